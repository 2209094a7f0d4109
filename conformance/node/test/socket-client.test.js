'use strict';

// The official socket.io-client against the Socket.IO conformance server.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Manager } = require('socket.io-client');

const { MODES, SHARDS, largeBinary } = require('../support/modes');
const { startSio } = require('../support/servers');
const { DEADLINE_MS, Inbox, next } = require('../support/wait');

// Pings as often as by default, so that they mingle with the data; patient with a busy machine.
const PATIENT = { PING_TIMEOUT: 10_000 };
const FLOOD_DEADLINE_MS = 30_000;

for (const shards of SHARDS) {
  describe(`socket.io-client, SHARDS=${shards}`, () => {
    let server;
    before(async () => {
      server = await startSio({ SHARDS: shards, ...PATIENT });
    });
    after(() => server?.stop());

    for (const mode of MODES) {
      describe(mode.name, () => {
        connections(() => server, mode);
        events(() => server, mode);
        acknowledgements(() => server, mode);
        rooms(() => server, mode);
        disconnects(() => server, mode);
        floods(() => server, mode);
      });
    }
    describe('all modes together', () => crowd(() => server));
  });
}

function connections(server, mode) {
  for (const nsp of ['/', '/custom']) {
    test(`connects to ${nsp}, and 'auth' brings what the client sent`, async (t) => {
      const sent = { token: 'abc', deep: { list: [1, null, '👍'] } };
      const [given, absent] = [newClient(t, server(), mode, nsp, { auth: sent }), newClient(t, server(), mode, nsp)];
      assert.deepEqual(await given.inbox('auth').take(), [sent]);
      assert.deepEqual(await absent.inbox('auth').take(), [{}]);
    });
  }

  test('two namespaces share one connection and know nothing of one another', async (t) => {
    const manager = open(t, server(), mode);
    const main = enter(manager, '/', { auth: { at: 'main' } });
    const custom = enter(manager, '/custom', { auth: { at: 'custom' } });
    assert.deepEqual(await main.inbox('auth').take(), [{ at: 'main' }]);
    assert.deepEqual(await custom.inbox('auth').take(), [{ at: 'custom' }]);
    main.socket.emit('message', 'main');
    custom.socket.emit('message', 'custom');
    assert.deepEqual(await main.inbox('message-back').take(), ['main']);
    assert.deepEqual(await custom.inbox('message-back').take(), ['custom']);
    assert.equal(main.inbox('message-back').all.length, 1);
    assert.equal(custom.inbox('message-back').all.length, 1);
  });

  test('an unknown namespace is refused, the connection goes on', async (t) => {
    const manager = open(t, server(), mode);
    const main = await connected(enter(manager, '/'));
    const { id } = manager.engine;
    const unknown = manager.socket('/unknown', { auth: { token: 'abc' } });
    const [error] = await next(unknown, 'connect_error');
    assert.equal(error.message, 'Invalid namespace');
    assert.equal(unknown.connected, false);
    await echo(main, 'still here');
    assert.equal(manager.engine.id, id);
  });

  test('ids differ: session, namespaces, clients', async (t) => {
    const clients = [open(t, server(), mode), open(t, server(), mode)];
    const ids = [];
    for (const manager of clients) {
      for (const nsp of ['/', '/custom']) {
        const { socket } = await connected(enter(manager, nsp));
        ids.push(socket.id);
      }
      ids.push(manager.engine.id);
    }
    assert.ok(ids.every((id) => typeof id === 'string' && id !== ''));
    assert.equal(new Set(ids).size, 6, ids.join(' '));
  });
}

function events(server, mode) {
  test('arguments of every kind come back', async (t) => {
    const client = newClient(t, server(), mode, '/');
    for (const args of ARGUMENTS) await echo(client, ...args);
  });

  test('objects keep the order of their keys', async (t) => {
    const client = newClient(t, server(), mode, '/');
    const sent = { zebra: 1, apple: { y: [], x: {} }, _: null, 'ключ': '', 10: true, 9: false };
    client.socket.emit('message', sent);
    const [back] = await client.inbox('message-back').take();
    assert.equal(JSON.stringify(back), JSON.stringify(sent));
  });

  test('binary comes back from any depth', async (t) => {
    const client = newClient(t, server(), mode, '/custom');
    await echo(client, Buffer.from([1, 2, 3]));
    await echo(client, Buffer.alloc(0));
    const deep = [{ er: [Buffer.from('x'), null, { est: bytes(3) }] }];
    await echo(client, 'first', bytes(70_000), { deep }, Buffer.from([0]));
    // Ten attachments are what a decoder takes by default.
    await echo(client, Array.from({ length: 10 }, (_, i) => bytes(i)));
    await echo(client, 'text again');
  });

  test('an object that only looks like a placeholder is left alone', async (t) => {
    const client = newClient(t, server(), mode, '/');
    await echo(client, { _placeholder: true, num: 0 });
  });

  test('text of 900 KB comes back', async (t) => {
    const client = newClient(t, server(), mode, '/');
    const text = '€'.repeat(300_000);
    client.socket.emit('message', text);
    const [back] = await client.inbox('message-back').take();
    assert.ok(back === text, `${back?.length} characters came back`);
  });

  test(`binary of ${largeBinary(mode) / 1000} KB comes back`, async (t) => {
    const client = await settle(newClient(t, server(), mode, '/'), mode);
    const sent = bytes(largeBinary(mode));
    client.socket.emit('message', { payload: sent });
    const [{ payload }] = await client.inbox('message-back').take();
    assert.ok(Buffer.isBuffer(payload) && payload.equals(sent), `${payload?.length} bytes came back`);
  });
}

function acknowledgements(server, mode) {
  test('the server acknowledges', async (t) => {
    const { socket } = newClient(t, server(), mode, '/');
    const binary = ['with', Buffer.from([1, 2]), { and: [bytes(1000)] }];
    for (const args of [...ARGUMENTS, binary]) assert.deepEqual(await request(socket, ...args), args);
  });

  test('many acknowledgements under way are not mixed up', async (t) => {
    const { socket } = newClient(t, server(), mode, '/custom');
    const sent = Array.from({ length: 200 }, (_, i) => (i % 5 === 0 ? [i, bytes(i)] : [i]));
    const received = await Promise.all(sent.map((args) => request(socket, ...args)));
    assert.deepEqual(received, sent);
  });

  test('the client acknowledges', async (t) => {
    const { socket, inbox } = newClient(t, server(), mode, '/');
    const answers = [[], ['yes'], [null, 1.5, { a: ['👍'] }], ['bytes', Buffer.from([9, 8, 7]), { deep: bytes(500) }]];
    for (const answer of answers) {
      socket.once('ack-request', (...args) => {
        const acknowledge = args.pop();
        acknowledge(...answer, ...args);
      });
      socket.emit('ack-me', 'asked', Buffer.from('with'));
      assert.deepEqual(await inbox('ack-response').take(), [...answer, 'asked', Buffer.from('with')]);
    }
  });
}

function rooms(server, mode) {
  test('a broadcast reaches every client of the namespace, once', async (t) => {
    const [a, b, stranger] = ['/', '/', '/custom'].map((nsp) => newClient(t, server(), mode, nsp));
    await Promise.all([a, b, stranger].map(connected));
    const args = ['to all', { n: 1 }, Buffer.from([1, 2, 3])];
    a.socket.emit('broadcast', ...args);
    a.socket.emit('broadcast', 'marker');
    for (const { inbox } of [a, b]) {
      assert.deepEqual(await inbox('broadcast-back').takeAll(2), [args, ['marker']]);
    }
    await echo(stranger, 'marker');
    assert.deepEqual(stranger.inbox('broadcast-back').all, []);
  });

  test('a room is all its members but the sender, and nobody else', async (t) => {
    const clients = [0, 1, 2, 3].map(() => newClient(t, server(), mode, '/'));
    const [sender, member, other, outsider] = clients;
    const room = `room ${sender.name}`;
    for (const { socket } of [sender, member, other]) socket.emit('join', room);
    outsider.socket.emit('join', 'elsewhere');
    // Events are handled in order: who has its echo has joined.
    for (const client of clients) await echo(client, 'joined');

    sender.socket.emit('to-room', room, 'hello', { n: [1] }, bytes(10));
    outsider.socket.emit('to-room', room, 'from outside');
    for (const { inbox } of [member, other]) {
      const received = await inbox('room-back').takeAll(2);
      assert.deepEqual(new Set(received.map(([first]) => first)), new Set(['hello', 'from outside']));
      assert.deepEqual(received.find(([first]) => first === 'hello'), ['hello', { n: [1] }, bytes(10)]);
    }
    assert.deepEqual(await sender.inbox('room-back').take(), ['from outside']);

    await markBy(sender, clients);
    await markBy(outsider, clients);
    assert.deepEqual(clients.map(({ inbox }) => inbox('room-back').all.length), [1, 2, 2, 0]);
  });

  test('every socket is in the room of its id', async (t) => {
    const [a, b, c] = [0, 1, 2].map(() => newClient(t, server(), mode, '/'));
    await Promise.all([a, b, c].map(connected));
    a.socket.emit('to-room', b.socket.id, 'just for b');
    assert.deepEqual(await b.inbox('room-back').take(), ['just for b']);
    await markBy(a, [a, b, c]);
    assert.deepEqual([a, b, c].map(({ inbox }) => inbox('room-back').all.length), [0, 1, 0]);
  });

  test('a room that is no string is not joined', async (t) => {
    const [a, b] = [newClient(t, server(), mode, '/'), newClient(t, server(), mode, '/')];
    for (const room of [7, null, ['7'], { 7: '7' }]) b.socket.emit('join', room);
    b.socket.emit('join');
    await echo(b, 'done');
    await connected(a);
    for (const room of ['7', 'null', '[object Object]', '["7"]', 'undefined', '']) a.socket.emit('to-room', room, 'x');
    await markBy(a, [a, b]);
    assert.deepEqual(b.inbox('room-back').all, []);
  });
}

function disconnects(server, mode) {
  test("'bye' ends one namespace and leaves the other", async (t) => {
    const manager = open(t, server(), mode);
    const [main, custom] = [enter(manager, '/'), enter(manager, '/custom')];
    await Promise.all([main, custom].map(connected));
    const { id } = manager.engine;
    const former = main.socket.id;

    main.socket.emit('bye');
    assert.equal((await main.inbox('disconnect').take())[0], 'io server disconnect');
    await echo(custom, 'still here');
    assert.equal(custom.socket.connected, true);

    main.socket.connect();
    await echo(main, 'back');
    assert.notEqual(main.socket.id, former);
    assert.equal(manager.engine.id, id);
  });

  test("'bye-all' ends every namespace and the connection", async (t) => {
    const manager = open(t, server(), mode);
    const [main, custom] = [enter(manager, '/'), enter(manager, '/custom')];
    await Promise.all([main, custom].map(connected));
    const closed = next(manager.engine, 'close');
    custom.socket.emit('bye-all');
    // Not 'transport close', upon which a client comes back by itself: the packets have to be seen before the connection's end.
    for (const { inbox } of [main, custom]) {
      assert.equal((await inbox('disconnect').take())[0], 'io server disconnect');
    }
    await closed;
  });

  test('a client that disconnects may come back', async (t) => {
    const client = newClient(t, server(), mode, '/', { auth: { token: 1 } });
    await echo(client, 'first');
    const former = client.socket.id;
    assert.deepEqual(await client.inbox('auth').take(), [{ token: 1 }]);

    client.socket.disconnect();
    assert.equal((await client.inbox('disconnect').take())[0], 'io client disconnect');
    client.socket.connect();
    assert.deepEqual(await client.inbox('auth').take(), [{ token: 1 }]);
    await echo(client, 'second');
    assert.notEqual(client.socket.id, former);
  });

  test('a client that leaves a namespace keeps the other', async (t) => {
    const manager = open(t, server(), mode);
    const [main, custom] = [enter(manager, '/'), enter(manager, '/custom')];
    await Promise.all([main, custom].map(connected));
    main.socket.disconnect();
    await echo(custom, 'still here');
    main.socket.connect();
    await echo(main, 'back');
  });

  test('a client that lost its connection comes back by itself, and its rooms are gone', async (t) => {
    const [client, other] = [newClient(t, server(), mode, '/'), newClient(t, server(), mode, '/')];
    const room = `room ${client.name}`;
    client.socket.emit('join', room);
    await echo(client, 'joined');
    await connected(other);
    const former = client.socket.id;

    client.socket.io.engine.close();
    await client.inbox('disconnect').take();
    await echo(client, 'back');
    assert.notEqual(client.socket.id, former);

    for (const gone of [room, former]) other.socket.emit('to-room', gone, 'anyone?');
    await markBy(other, [other, client]);
    assert.deepEqual(client.inbox('room-back').all, []);
  });
}

function floods(server, mode) {
  if (mode.name === 'upgrade') {
    test('events sent across the upgrade come back in order', async (t) => {
      await Promise.all([0, 1, 2, 3, 4, 5].map((pace) => numbersAcrossUpgrade(t, server(), mode, pace)));
    });
    return;
  }
  const count = mode.name === 'websocket' ? 20_000 : 2_000;
  test(`${count} events in a row come back in order`, async (t) => {
    const { socket, inbox } = await connected(newClient(t, server(), mode, '/'));
    for (let i = 0; i < count; i += 1) socket.emit('message', i);
    assertNumbered(await inbox('message-back').takeAll(count, FLOOD_DEADLINE_MS));
  });
}

/** Fifty clients, coming in every way, in five rooms of ten. */
function crowd(server) {
  test('fifty clients at once: echoes, rooms, a broadcast', async (t) => {
    const clients = Array.from({ length: 50 }, (_, i) => {
      const mode = MODES[i % MODES.length];
      return newClient(t, server(), mode, '/', { auth: { i } });
    });
    await Promise.all(clients.map(async ({ socket, inbox }, i) => {
      assert.deepEqual(await inbox('auth').take(), [{ i }]);
      for (let n = 0; n < 20; n += 1) socket.emit('message', n, `of ${i}`);
      socket.emit('join', `room ${i % 5}`);
      socket.emit('message', 20, 'joined');
      const echoes = await inbox('message-back').takeAll(21);
      assertNumbered(echoes);
      assert.ok(echoes.slice(0, 20).every(([, of]) => of === `of ${i}`));
    }));

    clients.forEach(({ socket }, i) => {
      for (let n = 0; n < 3; n += 1) socket.emit('to-room', `room ${i % 5}`, i, n);
    });
    await Promise.all(clients.map(async ({ inbox }, i) => {
      const received = await inbox('room-back').takeAll(9 * 3);
      for (const sender of others(i)) {
        const from = received.filter(([of]) => of === sender).map(([, n]) => n);
        assert.deepEqual(from, [0, 1, 2], `client ${i}, from client ${sender}`);
      }
    }));

    clients[0].socket.emit('broadcast', 'to all');
    clients[0].socket.emit('broadcast', 'marker');
    await Promise.all(clients.map(async ({ inbox }) => {
      assert.deepEqual(await inbox('broadcast-back').takeAll(2), [['to all'], ['marker']]);
      assert.equal(inbox('room-back').all.length, 9 * 3);
    }));
  });

  const others = (i) => Array.from({ length: 10 }, (_, k) => k * 5 + (i % 5)).filter((other) => other !== i);
}

/** Sends numbers from the beginning until well after the upgrade, a few every `pace` ms and more at each step of it. */
async function numbersAcrossUpgrade(t, server, mode, pace) {
  const { socket, inbox } = newClient(t, server, mode, '/');
  const { engine } = socket.io;
  let sent = 0;
  const send = (count) => {
    for (let i = 0; i < count; i += 1) socket.emit('message', sent++, sent % 10 === 0 ? bytes(5) : 'text');
  };
  socket.once('connect', () => send(50));
  for (const step of ['upgrading', 'upgrade']) engine.once(step, () => send(50));

  const upgraded = next(engine, 'upgrade');
  const pump = setInterval(() => send(1 + pace), pace);
  try {
    await upgraded;
  } finally {
    clearInterval(pump);
  }
  send(500);
  assertNumbered(await inbox('message-back').takeAll(sent));
}

/** A connection without a namespace so far. */
function open(t, server, mode) {
  const manager = new Manager(server.url, { ...mode.options, reconnectionDelay: 10, reconnectionDelayMax: 50 });
  t.after(() => {
    manager.reconnection(false);
    manager._close();
  });
  return manager;
}

/** A socket in a namespace of that connection, with an inbox for each event from the beginning on. */
function enter(manager, nsp, options) {
  const socket = manager.socket(nsp, options);
  const names = ['auth', 'message-back', 'ack-response', 'broadcast-back', 'room-back', 'disconnect'];
  const inboxes = new Map(names.map((event) => [event, new Inbox(socket, event)]));
  return { socket, inbox: (event) => inboxes.get(event), name: (clientCount += 1) };
}

let clientCount = 0;

/** A socket in a namespace, on a connection of its own. */
const newClient = (t, server, mode, nsp, options) => enter(open(t, server, mode), nsp, options);

async function connected(client) {
  if (!client.socket.connected) await next(client.socket, 'connect');
  return client;
}

/** Waits until the client is on the transport it will stay on. */
async function settle(client, mode) {
  if (mode.name === 'upgrade') await next(client.socket.io.engine, 'upgrade');
  return connected(client);
}

/** Sends `message` and asserts that the same arguments are the next to come back. */
async function echo({ socket, inbox }, ...args) {
  socket.emit('message', ...args);
  assert.deepEqual(await inbox('message-back').take(), args);
}

const request = (socket, ...args) =>
  new Promise((resolve, reject) => {
    const acknowledged = (error, ...answer) => (error ? reject(error) : resolve(answer));
    socket.timeout(DEADLINE_MS).emit('message-with-ack', ...args, acknowledged);
  });

/** What `sender` sent before this, all of `clients` have got when it returns: a broadcast keeps the order of its sender. */
async function markBy(sender, clients) {
  const marker = `marker ${(markCount += 1)}`;
  sender.socket.emit('broadcast', marker);
  for (const { inbox } of clients) {
    // Other tests' markers have no place here: each test waits for its own.
    assert.deepEqual(await inbox('broadcast-back').take(), [marker]);
  }
}

let markCount = 0;

function assertNumbered(events) {
  const wrong = events.findIndex(([n], i) => n !== i);
  assert.equal(wrong, -1, wrong === -1 ? '' : `number ${events[wrong][0]} came at place ${wrong}`);
}

const bytes = (size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 0xff));

const ARGUMENTS = [
  [],
  [1, '2', { 3: [true] }],
  [0, -1, 1.5, -0.001, 1e21, 5e-324, 1.7976931348623157e308, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  ['', ' ', 'text', 'žluťoučký kůň', '👍🏽', '𝒳𐍈', '\u2028\u2029', '\u0000\u001e\u001f', '"\\/\b\f\n\r\t'],
  [null, true, false, null],
  [[]],
  [{}],
  [[1, [2, [3, [[], {}]]]]],
  [{ a: { b: { c: { d: [null, { e: 'deep' }] } } } }],
  [{ 'key with "quotes"': 1, '': 2, '👍': 3, constructor: 4 }, JSON.parse('{"__proto__":{"own":true}}')],
];
