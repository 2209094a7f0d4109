'use strict';

// The official engine.io-client against the Engine.IO echo server.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { Socket } = require('engine.io-client');
const { WebSocket } = require('ws');

const { MODES, SHARDS, largeBinary } = require('../support/modes');
const { startEio } = require('../support/servers');
const { DEADLINE_MS, Inbox, next, until } = require('../support/wait');

const MAX_PAYLOAD = 1_000_000;
// Pings as often as by default, so that they mingle with the data; patient with a busy machine.
const PATIENT = { PING_TIMEOUT: 10_000 };

// Among them what could be taken for a packet of another type, for base64, or for an escape.
const TEXTS = [
  ...['hello', '1', '2probe', 'b', 'bAQID', '"\\u0000"', '\u0000', ' \t\r\n'],
  ...['žluťoučký kůň', '€', '\ue000\uffff', '👍🏽', '𝒳𐍈'],
];

for (const shards of SHARDS) {
  describe(`engine.io-client, SHARDS=${shards}`, () => {
    let server;
    before(async () => {
      server = await startEio({ SHARDS: shards, ...PATIENT });
    });
    after(() => server?.stop());

    for (const mode of MODES) {
      describe(mode.name, () => messages(() => server, mode));
    }
    describe('the upgrade itself', () => upgrade(() => server));

    test('is reached over IPv4 and over IPv6', async (t) => {
      for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
        const { socket, inbox } = connect(t, { url: `http://${host}:${server.port}` }, { options: {} });
        socket.send(host);
        assert.deepEqual(await inbox.take(), [host]);
      }
    });

    test('pings go on for two seconds with the default timing', async (t) => {
      const hasty = await startEio({ SHARDS: shards });
      t.after(() => hasty.stop());
      await Promise.all(MODES.map((mode) => staysAlive(t, hasty, mode)));
    });
  });
}

function messages(server, mode) {
  test('text comes back as it was', async (t) => {
    const { socket, inbox } = connect(t, server(), mode);
    for (const text of TEXTS) socket.send(text);
    assert.deepEqual(flat(await inbox.takeAll(TEXTS.length)), TEXTS);
  });

  test('an empty text comes back as an empty text', async (t) => {
    const { socket, inbox } = connect(t, server(), mode);
    socket.send('');
    socket.send('after');
    const [[empty], [last]] = await inbox.takeAll(2);
    // A text packet without data is reported as undefined by the client's parser.
    assert.equal(empty ?? '', '');
    assert.equal(last, 'after');
  });

  for (const size of [0, 1, 70_000]) {
    test(`binary of ${size} bytes comes back as binary`, async (t) => {
      const { socket, inbox } = connect(t, server(), mode);
      const sent = bytes(size);
      socket.send(sent);
      const [received] = await inbox.take();
      assertSameBytes(received, sent);
    });
  }

  test('400 messages, text and binary in turns, keep their order', async (t) => {
    const { socket, inbox } = connect(t, server(), mode);
    const message = (_, i) => (i % 3 === 2 ? Buffer.from([i >> 8, i & 0xff]) : `message ${i}`);
    const sent = Array.from({ length: 400 }, message);
    for (const one of sent) socket.send(one);
    assert.deepEqual(flat(await inbox.takeAll(sent.length)), sent);
  });

  test('a text of 900 KB comes back', async (t) => {
    const { socket, inbox } = connect(t, server(), mode);
    const text = '€'.repeat(300_000);
    socket.send(text);
    const [received] = await inbox.take();
    assert.ok(received === text, `${received?.length} characters came back`);
  });

  test(`binary of ${largeBinary(mode) / 1000} KB comes back`, async (t) => {
    const { socket, inbox } = await settle(connect(t, server(), mode), mode);
    const sent = bytes(largeBinary(mode));
    socket.send(sent);
    const [received] = await inbox.take();
    assertSameBytes(received, sent);
  });

  test('a message at the limit passes, one byte more ends the connection', async (t) => {
    const { socket, inbox } = await settle(connect(t, server(), mode), mode);
    // The packet's type takes one byte of the payload.
    const largest = 'x'.repeat(MAX_PAYLOAD - 1);
    socket.send(largest);
    const [received] = await inbox.take();
    assert.ok(received === largest, `${received?.length} characters came back`);

    socket.send(`${largest}x`);
    await assertTooLarge(socket);
  });

  test('binary above the limit ends the connection', async (t) => {
    const { socket } = await settle(connect(t, server(), mode), mode);
    // In base64 this is more than the limit although the bytes alone are fewer.
    socket.send(bytes(mode.name === 'polling' ? 900_000 : MAX_PAYLOAD + 1));
    await assertTooLarge(socket);
  });

  test('a client that closes is gone', async (t) => {
    const { socket, inbox } = await settle(connect(t, server(), mode), mode);
    socket.send('hello');
    await inbox.take();
    const { id } = socket;

    const closed = next(socket, 'close');
    socket.close();
    const [reason] = await closed;
    assert.equal(reason, 'forced close');
    await until(() => isUnknown(server(), id), () => 'the session is forgotten');
    assert.equal(await statusOfWebSocket(server(), id), 400);
  });
}

function upgrade(server) {
  const mode = MODES.find(({ name }) => name === 'upgrade');

  test('ends on the WebSocket', async (t) => {
    const { socket, inbox } = await settle(connect(t, server(), mode), mode);
    assert.equal(socket.transport.name, 'websocket');
    socket.send('hello');
    assert.deepEqual(await inbox.take(), ['hello']);
  });

  test('messages sent while it is under way keep their order, both ways', async (t) => {
    const paces = Array.from({ length: 8 }, (_, pace) => pace);
    await Promise.all(paces.map((pace) => numbersAcrossUpgrade(connect(t, server(), mode), pace)));
  });

  test('a client that closes while it is under way is gone', async (t) => {
    const { socket } = connect(t, server(), mode);
    await next(socket, 'upgrading');
    const { id } = socket;
    const closed = next(socket, 'close');
    socket.close();
    await closed;
    await until(() => isUnknown(server(), id), () => 'the session is forgotten');
  });
}

/** Sends numbers from the opening until well after the upgrade, a few every `pace` ms and more at each step of it. */
async function numbersAcrossUpgrade({ socket, inbox }, pace) {
  let sent = 0;
  const send = (count) => {
    for (let i = 0; i < count; i += 1) socket.send(String(sent++));
  };
  for (const step of ['open', 'upgrading', 'upgrade']) socket.once(step, () => send(20));

  const upgraded = next(socket, 'upgrade');
  const pump = setInterval(() => socket.readyState === 'open' && send(1 + pace), pace);
  try {
    await upgraded;
  } finally {
    clearInterval(pump);
  }
  send(100);

  const received = flat(await inbox.takeAll(sent));
  assert.deepEqual(received, Array.from({ length: sent }, (_, i) => String(i)));
}

async function staysAlive(t, server, mode) {
  const { socket, inbox } = connect(t, server, mode);
  const pings = new Inbox(socket, 'ping');
  const closes = new Inbox(socket, 'close');
  const begin = Date.now();
  // Seven intervals of 300 ms; not one of them may take as long as to let the client give up (500 ms).
  await pings.takeAll(7);
  const took = Date.now() - begin;
  assert.ok(took >= 2000, `seven pings of 300 ms after ${took} ms`);
  assert.deepEqual(closes.all, []);
  socket.send('still here');
  assert.deepEqual(await inbox.take(), ['still here']);
}

/** What the reference server does: a POST is answered 413, a WebSocket closed with code 1009. */
async function assertTooLarge(socket) {
  const errors = new Inbox(socket, 'error');
  const [reason, details] = await next(socket, 'close');
  if (socket.transport.name === 'polling') {
    assert.equal(reason, 'transport error');
    const [error] = await errors.take();
    assert.equal(error.message, 'xhr post error');
    assert.equal(error.description, 413);
  } else {
    assert.equal(reason, 'transport close');
    assert.equal(details.context.code, 1009);
  }
}

function connect(t, server, mode) {
  const socket = new Socket(server.url, { path: '/engine.io/', ...mode.options });
  t.after(() => socket.close());
  return { socket, inbox: new Inbox(socket, 'message') };
}

/** Waits until the client is on the transport it will stay on. */
async function settle(client, mode) {
  await next(client.socket, mode.name === 'upgrade' ? 'upgrade' : 'open');
  return client;
}

/** Asks with a method that no session serves, so that asking disturbs none. */
async function isUnknown(server, id) {
  const url = `${server.url}/engine.io/?EIO=4&transport=polling&sid=${id}`;
  const response = await fetch(url, { method: 'PUT', signal: AbortSignal.timeout(DEADLINE_MS) });
  const body = await response.text();
  return response.status === 400 && body === '{"code":1,"message":"Session ID unknown"}';
}

async function statusOfWebSocket(server, id) {
  const socket = new WebSocket(`${server.url}/engine.io/?EIO=4&transport=websocket&sid=${id}`);
  const [request, response] = await next(socket, 'unexpected-response');
  request.destroy();
  return response.statusCode;
}

function assertSameBytes(received, sent) {
  assert.ok(Buffer.isBuffer(received), `binary came back as ${typeof received}`);
  assert.equal(received.length, sent.length);
  assert.ok(received.equals(sent), 'other bytes came back');
}

const bytes = (size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 0xff));

const flat = (events) => events.map(([message]) => message);
