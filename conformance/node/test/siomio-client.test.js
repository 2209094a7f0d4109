'use strict';

// The browser client of our own (crates/siomio/assets/siomio.js) against the Socket.IO conformance server, run in Node.
//
// SIO_URL  the address of a conformance server that runs already, best with a patient PING_TIMEOUT; unset, one is started

const assert = require('node:assert/strict');
const net = require('node:net');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');

const WebSocket = require('ws');

const siomio = require('../../../crates/siomio/assets/siomio.js');
const { MODES, largeBinary } = require('../support/modes');
const { startSio } = require('../support/servers');
const { DEADLINE_MS, Inbox, next, until } = require('../support/wait');

const TIMEOUT = { timeout: 30_000 };
const PATIENT = { SHARDS: 4, PING_TIMEOUT: 10_000 };
const HEARTBEATS = { SHARDS: 4, PING_INTERVAL: 200, PING_TIMEOUT: 600 };
const RECONNECTION = { reconnectionDelay: 20, reconnectionDelayMax: 100 };
const QUIET_MS = 150; // for what must not happen to have happened

describe('siomio.js', () => {
  let server;
  before(async () => {
    server = await start(PATIENT);
  });
  after(() => server?.stop());

  for (const mode of MODES) {
    describe(mode.name, () => {
      connections(() => server, mode);
      messages(() => server, mode);
      acknowledgements(() => server, mode);
      order(() => server, mode);
      losses(() => server, mode);
    });
  }
});

function connections(server, mode) {
  test('a connection has an id until it is closed', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    assert.equal(typeof socket.id, 'string');
    assert.equal(socket.connected, true);
    const gone = next(socket, 'disconnect');
    socket.disconnect();
    assert.equal((await gone)[0], 'io client disconnect');
    assert.equal(socket.id, undefined);
    assert.equal(socket.connected, false);
  });

  test('auth is an object, or a function that provides one', TIMEOUT, async (t) => {
    const auth = { token: 'é😀', n: 1 };
    for (const given of [auth, (provide) => setTimeout(provide, 5, auth)]) {
      const socket = open(t, server(), mode, { namespace: '/custom', auth: given });
      assert.deepEqual(await next(socket, 'auth'), [auth]);
    }
    assert.deepEqual(await next(open(t, server(), mode), 'auth'), [{}]);
  });

  test('an unknown namespace refuses, once and for all', TIMEOUT, async (t) => {
    const socket = open(t, server(), mode, { namespace: '/nowhere' });
    const [error] = await next(socket, 'connect_error');
    assert.equal(error.message, 'Invalid namespace');
    assert.equal(socket.active, false);
  });

  test('namespaces share a connection and leave it one by one', TIMEOUT, async (t) => {
    const main = await connect(t, server(), mode);
    const custom = main.io.socket('/custom', { auth: { second: true } });
    t.after(() => custom.disconnect());
    const greeting = next(custom, 'auth');
    custom.connect();
    assert.deepEqual(await greeting, [{ second: true }]);
    assert.notEqual(custom.id, main.id);
    custom.disconnect();
    assert.equal(await main.emitWithAck('message-with-ack', 'still here'), 'still here');
    const back = next(custom, 'connect');
    custom.connect();
    await back;
    assert.equal(await custom.emitWithAck('message-with-ack', 'here again'), 'here again');
  });

  for (const event of ['bye', 'bye-all']) {
    test(`after the server's ${event} only connect() brings it back`, TIMEOUT, async (t) => {
      const socket = await connect(t, server(), mode);
      const unanswered = assert.rejects(socket.emitWithAck('ignored'), /disconnected/);
      const gone = next(socket, 'disconnect');
      socket.emit(event);
      assert.equal((await gone)[0], 'io server disconnect');
      await unanswered;
      await pause(QUIET_MS);
      assert.equal(socket.connected, false);
      const back = next(socket, 'connect');
      socket.connect();
      await back;
    });
  }
}

function messages(server, mode) {
  test('any JSON comes back', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    for (const args of [
      [],
      [1, -0.5, 'text', true, null, [], {}, { a: [{ b: [[]] }] }],
      ['пойду 😀 \u2028 \x1e \0 "quoted" \\', { '😀': 'key', _placeholder: true, num: 0 }],
    ]) {
      const answer = new Promise((resolve) => socket.emit('message-with-ack', ...args, (...back) => resolve(back)));
      assert.deepEqual(await answer, args);
      for (const [event, reply] of [['message', 'message-back'], ['broadcast', 'broadcast-back']]) {
        const back = nextOwn(socket, reply, args);
        socket.emit(event, ...args);
        await back;
      }
    }
  });

  test('binary of every kind comes back as ArrayBuffer, at any depth', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const answer = await socket.emitWithAck('message-with-ack', {
      buffer: all.buffer,
      list: [all.subarray(3, 7), [new DataView(all.buffer, 1, 2)]],
      words: Uint16Array.of(513),
      node: Buffer.from('node'),
      blob: new Blob(['blob']),
      empty: new ArrayBuffer(0),
      text: 'between',
    });
    assert.ok(answer.buffer instanceof ArrayBuffer);
    assert.deepEqual(bytes(answer.buffer), [...all]);
    assert.deepEqual(bytes(answer.list[0]), [3, 4, 5, 6]);
    assert.deepEqual(bytes(answer.list[1][0]), [1, 2]);
    assert.deepEqual(bytes(answer.words), [1, 2]);
    assert.equal(Buffer.from(answer.node).toString(), 'node');
    assert.equal(Buffer.from(answer.blob).toString(), 'blob');
    assert.deepEqual(bytes(answer.empty), []);
    assert.equal(answer.text, 'between');
  });

  test('payloads just below the limit come back', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    const text = 'é'.repeat(450_000);
    assert.equal(await socket.emitWithAck('message-with-ack', text), text);
    await until(() => socket.io.transport === lastTransport(mode), () => 'the upgrade');
    const sent = Buffer.alloc(largeBinary(mode), 'binary');
    assert.ok(sent.equals(Buffer.from(await socket.emitWithAck('message-with-ack', sent))));
  });

  test('a room is reached through the server', TIMEOUT, async (t) => {
    const [ada, bob] = await Promise.all([connect(t, server(), mode), connect(t, server(), mode)]);
    const room = `room of ${bob.id}`;
    bob.emit('join', room);
    await bob.emitWithAck('message-with-ack');
    const heard = next(bob, 'room-back');
    ada.emit('to-room', room, 'hello', Uint8Array.of(7));
    const [text, buffer] = await heard;
    assert.deepEqual([text, bytes(buffer)], ['hello', [7]]);
  });
}

function acknowledgements(server, mode) {
  test("the server's question is answered with text and binary", TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    socket.on('ack-request', (text, buffer, answer) => answer(buffer, text));
    const response = next(socket, 'ack-response');
    socket.emit('ack-me', 'ping', Uint8Array.of(1, 2));
    const [buffer, text] = await response;
    assert.deepEqual([bytes(buffer), text], [[1, 2], 'ping']);
  });

  test('a timeout gives up on an answer that does not come', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    const error = await new Promise((resolve) => socket.timeout(50).emit('ignored', 1, resolve));
    assert.equal(error.message, 'operation has timed out');
    await assert.rejects(socket.timeout(50).emitWithAck('ignored'), /timed out/);
    assert.equal(await socket.timeout(DEADLINE_MS).emitWithAck('message-with-ack', 'in time'), 'in time');
  });
}

function order(server, mode) {
  test('more than one POST can hold keeps its order', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    const inbox = new Inbox(socket, 'message-back');
    const count = 30;
    for (let n = 0; n < count; n += 1) socket.emit('message', n, 'x'.repeat(70_000), Buffer.alloc(n));
    const back = (await inbox.takeAll(count)).map(([n, , buffer]) => [n, buffer.byteLength]);
    assert.deepEqual(back, Array.from({ length: count }, (_, n) => [n, n]));
  });

  test('traffic in flight keeps its order, through an upgrade too', TIMEOUT, async (t) => {
    let release;
    const released = new Promise((resolve) => (release = resolve));
    // The upgrade waits until the traffic is under way.
    class Held extends WebSocket {
      async send(frame) {
        if (frame === '2probe') await released;
        super.send(frame);
      }
    }
    const socket = await connect(t, server(), mode, { WebSocket: Held });
    const inbox = new Inbox(socket, 'message-back');
    const ways = new Set();
    socket.on('message-back', (n) => {
      ways.add(socket.io.transport);
      if (n === 20) release();
    });
    const deadline = Date.now() + DEADLINE_MS;
    let sent = 0;
    // On until the last transport has carried a good part of it.
    for (let left = 100; left > 0 && Date.now() < deadline; sent += 1) {
      if (socket.io.transport === lastTransport(mode)) left -= 1;
      socket.emit('message', sent, sent % 7 ? 'text' : Uint8Array.of(sent));
      if (sent % 3 === 0) await pause(1);
    }
    const numbers = (await inbox.takeAll(sent)).map(([n]) => n);
    assert.deepEqual(numbers, Array.from({ length: sent }, (_, n) => n));
    assert.equal(socket.io.transport, lastTransport(mode));
    assert.equal(ways.size, mode.name === 'upgrade' ? 2 : 1);
  });

  test('what is emitted before the connection goes first', TIMEOUT, async (t) => {
    const socket = open(t, server(), mode, { autoConnect: false });
    const inbox = new Inbox(socket, 'message-back');
    const answers = Promise.all([1, 2, 3].map((n) => socket.emitWithAck('message-with-ack', n)));
    for (const n of [1, 2, 3]) socket.emit('message', n);
    socket.on('connect', () => socket.emit('message', 4));
    socket.connect();
    assert.deepEqual(await answers, [1, 2, 3]);
    assert.deepEqual(await inbox.takeAll(4), [[1], [2], [3], [4]]);
  });
}

function losses(server, mode) {
  test('a lost connection comes back, with what was emitted meanwhile', TIMEOUT, async (t) => {
    const link = await linkTo(t, server());
    const socket = await connect(t, link, mode);
    const first = socket.id;
    const unanswered = assert.rejects(socket.emitWithAck('ignored'), /disconnected/);
    const gone = next(socket, 'disconnect');
    const refused = next(socket, 'connect_error');
    await link.cut();
    assert.match((await gone)[0], /^transport (close|error)$/);
    await unanswered;
    assert.equal(socket.active, true);

    const inbox = new Inbox(socket, 'message-back');
    for (let n = 0; n < 20; n += 1) socket.emit('message', n);
    await refused;
    const back = next(socket.io, 'reconnect');
    await link.restore();
    assert.ok((await back)[0] >= 1);
    assert.deepEqual((await inbox.takeAll(20)).map(([n]) => n), Array.from({ length: 20 }, (_, n) => n));
    assert.notEqual(socket.id, first);
  });

  test('who closes the engine loses the connection, and comes back', TIMEOUT, async (t) => {
    const socket = await connect(t, server(), mode);
    const first = socket.id;
    const gone = next(socket, 'disconnect');
    const back = next(socket, 'connect');
    socket.io.engine.close();
    assert.equal((await gone)[0], 'forced close');
    assert.equal(socket.io.engine, null);
    await back;
    assert.notEqual(socket.id, first);
  });

  test('heartbeats keep a connection alive, and their absence ends it', TIMEOUT, async (t) => {
    const strict = await start(HEARTBEATS);
    t.after(() => strict.stop());
    const link = await linkTo(t, strict);
    const socket = await connect(t, link, mode, { reconnection: false });
    const { id } = socket;
    await pause(2_000);
    assert.equal(await socket.emitWithAck('message-with-ack', 'alive'), 'alive');
    assert.equal(socket.id, id);
    const gone = next(socket, 'disconnect');
    link.freeze();
    assert.equal((await gone)[0], 'ping timeout');
  });
}

/** A conformance server with these settings, or the one which is there; that one pings as it likes. */
async function start(env) {
  return process.env.SIO_URL ? { url: process.env.SIO_URL, stop() {} } : startSio(env);
}

/** A socket that lives as long as the test. */
function open(t, { url }, mode, { namespace = '/', ...options } = {}) {
  const socket = siomio(url + namespace, { WebSocket, forceNew: true, ...RECONNECTION, ...mode.options, ...options });
  t.after(() => socket.disconnect());
  return socket;
}

async function connect(t, server, mode, options) {
  const socket = open(t, server, mode, options);
  await next(socket, 'connect');
  return socket;
}

const lastTransport = (mode) => (mode.name === 'polling' ? 'polling' : 'websocket');

/** Waits for an event with these arguments; a broadcast may bring others' as well. */
async function nextOwn(socket, event, args) {
  const inbox = new Inbox(socket, event);
  const isOwn = (got) => JSON.stringify(got) === JSON.stringify(args);
  await until(() => inbox.all.some(isOwn), () => `${event} with ${JSON.stringify(args)}, got ${JSON.stringify(inbox.all)}`);
}

const bytes = (buffer) => [...new Uint8Array(buffer)];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A TCP relay in front of a server, for the length of the test. */
async function linkTo(t, { url }) {
  const link = new Link(new URL(url));
  await link.restore();
  t.after(() => link.cut());
  return link;
}

class Link {
  #target;
  #port = 0;
  #listener;
  #streams = new Set();

  constructor(target) {
    this.#target = target;
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, always on the same port. */
  async restore() {
    this.#listener = net.createServer((near) => this.#relay(near)).listen(this.#port, '127.0.0.1');
    await once(this.#listener, 'listening');
    this.#port = this.#listener.address().port;
  }

  #relay(near) {
    const far = net.connect(Number(this.#target.port), this.#target.hostname.replace(/^\[|\]$/g, ''));
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#streams.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#streams.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }

  /** Every byte stops on its way; the connections stay. */
  freeze() {
    for (const stream of this.#streams) {
      stream.unpipe();
      stream.pause();
    }
  }

  /** Ends every connection and takes no more. */
  async cut() {
    if (!this.#listener.listening) return;
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    for (const stream of this.#streams) stream.destroy();
    await closed;
  }
}
