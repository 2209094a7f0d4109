'use strict';

// Every version of the official engine.io-client against the Engine.IO echo server.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { WebSocket } = require('ws');

const { ENGINE_IO, TAKES_ALL } = require('../support/clients');
const { BASE64_MODES, MODES, SHARDS, largeBinary } = require('../support/modes');
const { startEio } = require('../support/servers');
const { isUnknown } = require('../support/sessions');
const { Inbox, next, until } = require('../support/wait');

const MAX_PAYLOAD = 1_000_000;
// Pings as often as by default, so that they mingle with the data; patient with a busy machine.
const PATIENT = { PING_TIMEOUT: 10_000 };

// Among them what could be taken for a packet of another type, for base64, or for an escape.
const TEXTS = [
  ...['hello', '1', '2probe', 'b', 'bAQID', '"\\u0000"', '\u0000', ' \t\r\n'],
  ...['žluťoučký kůň', '€', '\ue000\uffff', '👍🏽', '𝒳𐍈'],
];

const UPGRADE = MODES.find(({ name }) => name === 'upgrade');

for (const shards of SHARDS) {
  describe(`SHARDS=${shards}`, () => {
    let server;
    before(async () => {
      server = await startEio({ SHARDS: shards, ...TAKES_ALL, ...PATIENT });
    });
    after(() => server?.stop());

    for (const version of ENGINE_IO) {
      describe(`${version.name}, SHARDS=${shards}`, () => {
        const way = (mode) => ({ server: () => server, version, mode });
        for (const mode of [...MODES, ...BASE64_MODES]) {
          describe(`${version.name}, ${mode.name}, SHARDS=${shards}`, () => messages(way(mode)));
        }
        describe('the upgrade itself', () => upgrade(way(UPGRADE)));

        test('is reached over IPv4 and over IPv6', async (t) => {
          for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
            const there = () => ({ url: `http://${host}:${server.port}` });
            const { socket, inbox } = connect(t, { ...way(UPGRADE), server: there });
            socket.send(host);
            assert.deepEqual(await inbox.take(), [host]);
          }
        });

        test('heartbeats go on for two seconds with the default timing', async (t) => {
          const hasty = await startEio({ SHARDS: shards, ...TAKES_ALL });
          t.after(() => hasty.stop());
          await Promise.all(MODES.map((mode) => staysAlive(t, { ...way(mode), server: () => hasty })));
        });
      });
    }
  });
}

function messages(way) {
  test('text comes back as it was', async (t) => {
    const { socket, inbox } = connect(t, way);
    for (const text of TEXTS) socket.send(text);
    assert.deepEqual(flat(await inbox.takeAll(TEXTS.length)), TEXTS);
  });

  test('an empty text comes back as an empty text', async (t) => {
    const { socket, inbox } = connect(t, way);
    socket.send('');
    socket.send('after');
    const [[empty], [last]] = await inbox.takeAll(2);
    // A text packet without data is reported as undefined by the client's parser.
    assert.equal(empty ?? '', '');
    assert.equal(last, 'after');
  });

  for (const size of [0, 1, 70_000]) {
    test(`binary of ${size} bytes comes back as binary`, async (t) => {
      const { socket, inbox } = connect(t, way);
      const sent = bytes(size);
      socket.send(sent);
      const [received] = await inbox.take();
      assertSameBytes(received, sent);
    });
  }

  test('400 messages, text and binary in turns, keep their order', async (t) => {
    const { socket, inbox } = connect(t, way);
    const message = (_, i) => (i % 3 === 2 ? Buffer.from([i >> 8, i & 0xff]) : `message ${i}`);
    const sent = Array.from({ length: 400 }, message);
    for (const one of sent) socket.send(one);
    assert.deepEqual(flat(await inbox.takeAll(sent.length)), sent);
  });

  test('a text of 900 KB comes back', async (t) => {
    const { socket, inbox } = connect(t, way);
    const text = '€'.repeat(300_000);
    socket.send(text);
    const [received] = await inbox.take();
    assert.ok(received === text, `${received?.length} characters came back`);
  });

  test(`binary of ${largeBinary(way.mode) / 1000} KB comes back`, async (t) => {
    const { socket, inbox } = await settle(connect(t, way));
    const sent = bytes(largeBinary(way.mode));
    socket.send(sent);
    const [received] = await inbox.take();
    assertSameBytes(received, sent);
  });

  test('a message at the limit passes, one byte more ends the connection', async (t) => {
    const { socket, inbox } = await settle(connect(t, way));
    // The packet's type takes one byte of the payload; in the old one, its length comes first: '999993:'.
    const overhead = way.version.revision === 3 && socket.transport.name === 'polling' ? 8 : 1;
    const largest = 'x'.repeat(MAX_PAYLOAD - overhead);
    socket.send(largest);
    const [received] = await inbox.take();
    assert.ok(received === largest, `${received?.length} characters came back`);

    socket.send(`${largest}x`);
    await assertTooLarge(socket, way);
  });

  test('binary above the limit ends the connection', async (t) => {
    const { socket } = await settle(connect(t, way));
    // In base64 this is more than the limit although the bytes alone are fewer.
    socket.send(bytes(way.mode.base64 ? 900_000 : MAX_PAYLOAD + 1));
    await assertTooLarge(socket, way);
  });

  test('a client that closes is gone', async (t) => {
    const { socket, inbox } = await settle(connect(t, way));
    socket.send('hello');
    await inbox.take();
    const { id } = socket;

    const closed = next(socket, 'close');
    socket.close();
    const [reason] = await closed;
    assert.equal(reason, 'forced close');
    await until(() => isUnknown(`${way.server().url}/engine.io/`, way.version.revision, id), () => 'the session is forgotten');
    assert.equal(await statusOfWebSocket(way, id), 400);
  });
}

function upgrade(way) {
  test('ends on the WebSocket', async (t) => {
    const { socket, inbox } = await settle(connect(t, way));
    assert.equal(socket.transport.name, 'websocket');
    socket.send('hello');
    assert.deepEqual(await inbox.take(), ['hello']);
  });

  test('messages sent while it is under way keep their order, both ways', async (t) => {
    const paces = Array.from({ length: 8 }, (_, pace) => pace);
    await Promise.all(paces.map((pace) => numbersAcrossUpgrade(connect(t, way), pace)));
  });

  test('a client that closes while it is under way is gone', async (t) => {
    const { socket } = connect(t, way);
    await next(socket, 'upgrading');
    const { id } = socket;
    const closed = next(socket, 'close');
    socket.close();
    await closed;
    await until(() => isUnknown(`${way.server().url}/engine.io/`, way.version.revision, id), () => 'the session is forgotten');
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

async function staysAlive(t, way) {
  const { socket, inbox } = connect(t, way);
  const beats = new Inbox(socket, way.version.heartbeat);
  const closes = new Inbox(socket, 'close');
  const begin = Date.now();
  // Seven intervals of 300 ms; not one of them may take as long as to let the client give up (500 ms).
  await beats.takeAll(7);
  const took = Date.now() - begin;
  assert.ok(took >= 2000, `seven heartbeats of 300 ms after ${took} ms`);
  assert.deepEqual(closes.all, []);
  socket.send('still here');
  assert.deepEqual(await inbox.take(), ['still here']);
}

/** What the reference server does: a POST is answered 413, a WebSocket closed with code 1009. */
async function assertTooLarge(socket, { version }) {
  const errors = new Inbox(socket, 'error');
  const [reason, details] = await next(socket, 'close');
  if (socket.transport.name === 'polling') {
    assert.equal(reason, 'transport error');
    const [error] = await errors.take();
    assert.equal(error.message, 'xhr post error');
    assert.equal(error.description, 413);
  } else {
    assert.equal(reason, 'transport close');
    if (version.tellsCode) assert.equal(details.context.code, 1009);
  }
}

function connect(t, { server, version, mode }) {
  const socket = new version.Socket(server().url, { path: '/engine.io/', ...mode.options });
  t.after(() => socket.close());
  return { socket, mode, inbox: new Inbox(socket, 'message') };
}

/** Waits until the client is on the transport it will stay on. */
async function settle(client) {
  await next(client.socket, client.mode === UPGRADE ? 'upgrade' : 'open');
  return client;
}

async function statusOfWebSocket({ server, version }, id) {
  const socket = new WebSocket(`${server().url}/engine.io/?EIO=${version.revision}&transport=websocket&sid=${id}`);
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
