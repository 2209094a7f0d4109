'use strict';

// Every version of the official socket.io-client against the Socket.IO conformance server.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const msgpack = require('socket.io-msgpack-parser');

const { SOCKET_IO, TAKES_ALL } = require('../support/clients');
const { MODES, SHARDS, largeBinary } = require('../support/modes');
const { startSio } = require('../support/servers');
const { Way, assertNumbered, bytes, connected } = require('../support/socket-io');
const { broadcast, echo, heard, markBy, numbersAcrossUpgrade, request } = require('../support/socket-io');
const { next } = require('../support/wait');

// Pings as often as by default, so that they mingle with the data; patient with a busy machine.
const PATIENT = { PING_TIMEOUT: 10_000 };
const FLOOD_DEADLINE_MS = 30_000;

for (const shards of SHARDS) {
  describe(`SHARDS=${shards}`, () => {
    let server;
    before(async () => {
      server = await startSio({ SHARDS: shards, ...TAKES_ALL, ...PATIENT });
    });
    after(() => server?.stop());

    for (const version of SOCKET_IO) everything(() => server, version, MODES, `SHARDS=${shards}`);
  });

  describe(`MessagePack, SHARDS=${shards}`, () => {
    let server;
    before(async () => {
      server = await startSio({ SHARDS: shards, PARSER: 'msgpack', ...PATIENT });
    });
    after(() => server?.stop());

    const modes = MODES.map((mode) => ({ ...mode, options: { ...mode.options, parser: msgpack }, base64: true }));
    for (const version of SOCKET_IO.filter((version) => version.parsers)) {
      everything(() => server, version, modes, `MessagePack, SHARDS=${shards}`);
    }
  });
}

function everything(server, version, modes, settings) {
  for (const mode of modes) {
    describe(`${version.name}, ${mode.name}, ${settings}`, () => {
      const way = new Way(server, version, mode);
      connections(way);
      events(way);
      acknowledgements(way);
      rooms(way);
      disconnects(way);
      floods(way);
    });
  }
}

function connections(way) {
  for (const nsp of ['/', '/custom']) {
    test(`connects to ${nsp}, and 'auth' brings what the client sent`, async (t) => {
      const { credentials, greeting } = way.version;
      const [given, absent] = [way.client(t, nsp, credentials), way.client(t, nsp)];
      assert.deepEqual(await given.inbox('auth').take(), [greeting(nsp, credentials)]);
      assert.deepEqual(await absent.inbox('auth').take(), [{}]);
    });
  }

  test('the query of a namespace is credentials for clients that have no others', async (t) => {
    const client = way.clientAt(t, '/custom?token=abc');
    assert.deepEqual(await client.inbox('auth').take(), [way.version.queryGreets ? { token: 'abc' } : {}]);
    await echo(client, 'hello');
  });

  test('two namespaces share one connection and know nothing of one another', async (t) => {
    const manager = way.open(t);
    const main = way.enter(manager, '/', { at: 'main' });
    const custom = way.enter(manager, '/custom', { at: 'custom' });
    const { greeting } = way.version;
    assert.deepEqual(await main.inbox('auth').take(), [greeting('/', { at: 'main' })]);
    assert.deepEqual(await custom.inbox('auth').take(), [greeting('/custom', { at: 'custom' })]);
    main.socket.emit('message', 'main');
    custom.socket.emit('message', 'custom');
    assert.deepEqual(await main.inbox('message-back').take(), ['main']);
    assert.deepEqual(await custom.inbox('message-back').take(), ['custom']);
    assert.equal(main.inbox('message-back').all.length, 1);
    assert.equal(custom.inbox('message-back').all.length, 1);
  });

  test('an unknown namespace is refused, the connection goes on', async (t) => {
    const manager = way.open(t);
    const main = await connected(way.enter(manager, '/'));
    const { id } = manager.engine;
    const { socket } = way.enter(manager, '/unknown', { token: 'abc' });
    const [error] = await next(socket, way.version.refusal);
    assert.equal(error.message, 'Invalid namespace');
    assert.equal(socket.connected, false);
    await echo(main, 'still here');
    assert.equal(manager.engine.id, id);
  });

  test('ids differ: session, namespaces, clients', async (t) => {
    const ids = await Promise.all([0, 1].map(async () => {
      const manager = way.open(t);
      const sockets = ['/', '/custom'].map((nsp) => way.enter(manager, nsp));
      await Promise.all(sockets.map(connected));
      return [manager.engine.id, ...sockets.map(({ socket }) => socket.id)];
    }));
    assert.ok(ids.flat().every((id) => typeof id === 'string' && id !== ''));
    assert.equal(new Set(ids.flat()).size, 2 * way.version.ids, ids.join(' '));
  });
}

function events(way) {
  test('arguments of every kind come back', async (t) => {
    const client = await way.textClient(t);
    for (const args of argumentsOf(way)) await echo(client, ...args);
  });

  test('objects keep the order of their keys', async (t) => {
    const client = await way.textClient(t);
    const sent = { zebra: 1, apple: { y: [], x: {} }, _: null, 'ключ': '', 10: true, 9: false };
    client.socket.emit('message', sent);
    const [back] = await client.inbox('message-back').take();
    assert.equal(JSON.stringify(back), JSON.stringify(sent));
  });

  test('binary comes back from any depth', async (t) => {
    const client = way.client(t, '/custom');
    await echo(client, Buffer.from([1, 2, 3]));
    await echo(client, Buffer.alloc(0));
    const deep = [{ er: [Buffer.from('x'), null, { est: bytes(3) }] }];
    await echo(client, 'first', bytes(70_000), { deep }, Buffer.from([0]));
    // Ten attachments are what a decoder takes by default.
    await echo(client, Array.from({ length: 10 }, (_, i) => bytes(i)));
    await echo(client, 'text again');
  });

  test('an object that only looks like a placeholder is left alone', async (t) => {
    const client = way.client(t);
    await echo(client, { _placeholder: true, num: 0 });
  });

  // MessagePack is binary, whatever is in it.
  const size = way.mode.options.parser ? largeBinary(way.mode) : 900_000;
  test(`text of ${size / 1000} KB comes back`, async (t) => {
    const client = way.client(t);
    const text = way.version.wideText ? '€'.repeat(Math.floor(size / 3)) : 'x'.repeat(size);
    client.socket.emit('message', text);
    const [back] = await client.inbox('message-back').take();
    assert.ok(back === text, `${back?.length} characters came back`);
  });

  test(`binary of ${largeBinary(way.mode) / 1000} KB comes back`, async (t) => {
    const client = await way.settle(way.client(t));
    const sent = bytes(largeBinary(way.mode));
    client.socket.emit('message', { payload: sent });
    const [{ payload }] = await client.inbox('message-back').take();
    assert.ok(Buffer.isBuffer(payload) && payload.equals(sent), `${payload?.length} bytes came back`);
  });
}

function acknowledgements(way) {
  test('the server acknowledges', async (t) => {
    const { socket } = await way.textClient(t);
    const binary = ['with', Buffer.from([1, 2]), { and: [bytes(1000)] }];
    for (const args of [...argumentsOf(way), binary]) assert.deepEqual(await request(socket, ...args), args);
  });

  test('many acknowledgements under way are not mixed up', async (t) => {
    const { socket } = way.client(t, '/custom');
    const sent = Array.from({ length: 200 }, (_, i) => (i % 5 === 0 ? [i, bytes(i)] : [i]));
    const received = await Promise.all(sent.map((args) => request(socket, ...args)));
    assert.deepEqual(received, sent);
  });

  test('the client acknowledges', async (t) => {
    const { socket, inbox } = await way.textClient(t);
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

function rooms(way) {
  test('a broadcast reaches every client of the namespace, once', async (t) => {
    const [a, b, stranger] = ['/', '/', '/custom'].map((nsp) => way.client(t, nsp));
    await Promise.all([a, b, stranger].map(connected));
    const args = ['to all', { n: 1 }, Buffer.from([1, 2, 3])];
    broadcast(a, ...args);
    broadcast(a, 'marker');
    for (const client of [a, b]) {
      assert.deepEqual(await heard(client, a), args);
      assert.deepEqual(await heard(client, a), ['marker']);
    }
    await echo(stranger, 'marker');
    assert.deepEqual(stranger.inbox('broadcast-back').all, []);
  });

  test('a room is all its members but the sender, and nobody else', async (t) => {
    const clients = [0, 1, 2, 3].map(() => way.client(t));
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
    const [a, b, c] = [0, 1, 2].map(() => way.client(t));
    await Promise.all([a, b, c].map(connected));
    a.socket.emit('to-room', b.socket.id, 'just for b');
    assert.deepEqual(await b.inbox('room-back').take(), ['just for b']);
    await markBy(a, [a, b, c]);
    assert.deepEqual([a, b, c].map(({ inbox }) => inbox('room-back').all.length), [0, 1, 0]);
  });

  test('a room that is no string is not joined', async (t) => {
    const [a, b] = [way.client(t), way.client(t)];
    for (const room of [7, null, ['7'], { 7: '7' }]) b.socket.emit('join', room);
    b.socket.emit('join');
    await echo(b, 'done');
    await connected(a);
    for (const room of ['7', 'null', '[object Object]', '["7"]', 'undefined', '']) a.socket.emit('to-room', room, 'x');
    await markBy(a, [a, b]);
    assert.deepEqual(b.inbox('room-back').all, []);
  });
}

function disconnects(way) {
  test("'bye' ends one namespace and leaves the other", async (t) => {
    const manager = way.open(t);
    const [leaver, stayer] = await leaverAndStayer(way, manager);
    const { id } = manager.engine;
    const former = leaver.socket.id;

    leaver.socket.emit('bye');
    assert.equal((await leaver.inbox('disconnect').take())[0], 'io server disconnect');
    await echo(stayer, 'still here');
    assert.equal(stayer.socket.connected, true);

    leaver.socket.connect();
    await echo(leaver, 'back');
    assert.equal(leaver.socket.id !== former, way.version.ids === 3);
    assert.equal(manager.engine.id, id);
  });

  test("'bye-all' ends every namespace and the connection", async (t) => {
    const manager = way.open(t);
    const [main, custom] = [way.enter(manager, '/'), way.enter(manager, '/custom')];
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
    const client = way.client(t, '/custom', { token: 'abc' });
    await echo(client, 'first');
    const former = client.socket.id;
    assert.deepEqual(await client.inbox('auth').take(), [{ token: 'abc' }]);

    client.socket.disconnect();
    assert.equal((await client.inbox('disconnect').take())[0], 'io client disconnect');
    client.socket.connect();
    assert.deepEqual(await client.inbox('auth').take(), [{ token: 'abc' }]);
    await echo(client, 'second');
    assert.notEqual(client.socket.id, former);
  });

  test('a client that leaves a namespace keeps the other', async (t) => {
    const manager = way.open(t);
    const [leaver, stayer] = await leaverAndStayer(way, manager);
    leaver.socket.disconnect();
    await echo(stayer, 'still here');
    leaver.socket.connect();
    await echo(leaver, 'back');
  });

  test("'bye' from the only namespace ends the connection for good", async (t) => {
    const client = await connected(way.client(t));
    const closed = next(client.socket.io.engine, 'close');
    client.socket.emit('bye');
    assert.equal((await client.inbox('disconnect').take())[0], 'io server disconnect');
    await closed;
    assert.equal(client.socket.connected, false);
  });

  test('a client that lost its connection comes back by itself, and its rooms are gone', async (t) => {
    const [client, other] = [way.client(t), way.client(t)];
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

/** One client in two namespaces, the first of which it can leave and enter again. */
async function leaverAndStayer(way, manager) {
  const leaver = way.version.reenters;
  const names = [leaver, ['/', '/custom'].find((nsp) => nsp !== leaver)];
  return Promise.all(names.map((nsp) => connected(way.enter(manager, nsp))));
}

function floods(way) {
  if (way.mode.name === 'upgrade') {
    test('events sent across the upgrade come back in order', async (t) => {
      await Promise.all([0, 1, 2, 3, 4, 5].map((pace) => numbersAcrossUpgrade(way.client(t), pace)));
    });
    return;
  }
  const count = way.mode.name === 'websocket' ? 20_000 : 2_000;
  test(`${count} events in a row come back in order`, async (t) => {
    const { socket, inbox } = await connected(way.client(t));
    for (let i = 0; i < count; i += 1) socket.emit('message', i);
    assertNumbered(await inbox('message-back').takeAll(count, FLOOD_DEADLINE_MS));
  });
}

const ARGUMENTS = [
  [],
  [1, '2', { 3: [true] }],
  [0, -1, 1.5, -0.001, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  ['', ' ', 'text', 'žluťoučký kůň', '👍🏽', '𝒳𐍈', '\u2028\u2029', '\u0000\u001e\u001f', '"\\/\b\f\n\r\t'],
  [null, true, false, null],
  [[]],
  [{}],
  [[1, [2, [3, [[], {}]]]]],
  [{ a: { b: { c: { d: [null, { e: 'deep' }] } } } }],
  [{ 'key with "quotes"': 1, '': 2, '👍': 3, constructor: 4 }],
];

/**
 * What the official MessagePack parser cannot carry, which is no fault of the server's: of whole numbers beyond 64 bits it writes the
 * lower bits, and a key of this name it takes for the prototype.
 */
const JSON_ONLY = [[1e21, -1e22, 1.7976931348623157e308], [JSON.parse('{"__proto__":{"own":true}}')]];

const argumentsOf = (way) => (way.mode.options.parser ? ARGUMENTS : [...ARGUMENTS, ...JSON_ONLY]);
