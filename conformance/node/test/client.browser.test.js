'use strict';

// The official client's browser bundle, in Chromium, on a page of another origin than the conformance server's.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { launchBrowser, newTab } = require('../support/browser');
const { MODES, SHARDS, largeBinary } = require('../support/modes');
const { startSio } = require('../support/servers');

const BUNDLE = path.join(path.dirname(require.resolve('socket.io-client/package.json')), 'dist', 'socket.io.js');
const TIMEOUT = { timeout: 30_000 };
const PATIENT = { PING_TIMEOUT: 10_000 };

describe('socket.io.js in Chromium', () => {
  let browser;
  let origin;
  before(async () => {
    origin = await startOrigin();
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await origin?.stop();
  });

  for (const shards of SHARDS) {
    describe(`SHARDS=${shards}`, () => {
      let server;
      before(async () => {
        server = await startSio({ SHARDS: shards, ...PATIENT });
      });
      after(() => server?.stop());

      for (const mode of MODES) {
        test(`${mode.name}: text, binary, acknowledgements`, TIMEOUT, async (t) => {
          const { tab, errors } = await openTab(t);
          const result = await tab.evaluate(visit, { url: server.url, options: mode.options, large: largeBinary(mode) });
          assertVisit(result, mode);
          assert.deepEqual(errors, []);
        });
      }
    });
  }

  test('with credentials, when the server names the origin', TIMEOUT, async (t) => {
    const server = await startSio({ CORS_ORIGIN: 'reflect', ...PATIENT });
    t.after(() => server.stop());
    for (const mode of MODES) {
      const { tab, errors } = await openTab(t);
      const options = { ...mode.options, withCredentials: true };
      const result = await tab.evaluate(visit, { url: server.url, options, large: 1000 });
      assertVisit(result, mode);
      assert.deepEqual(errors, []);
    }
  });

  async function openTab(t) {
    const opened = await newTab(browser);
    t.after(() => opened.tab.close());
    await opened.tab.goto(origin.url);
    return opened;
  }
});

/** Runs in the page. Resolves with what came back: binary as arrays of numbers, each with the name of its type. */
async function visit({ url, options, large }) {
  const socket = globalThis.io(url, { ...options, forceNew: true, reconnection: false, auth: { from: 'browser' } });
  const broken = new Promise((_, reject) => {
    socket.on('connect_error', reject);
    socket.on('disconnect', (reason) => reject(new Error(`disconnected: ${reason}`)));
  });
  const orBroken = (promise) => Promise.race([promise, broken]);
  const next = (emitter, event) => orBroken(new Promise((resolve) => emitter.once(event, (...args) => resolve(args))));
  const echo = (...args) => {
    const back = next(socket, 'message-back');
    socket.emit('message', ...args);
    return back;
  };
  const acknowledged = (...args) =>
    orBroken(new Promise((resolve) => socket.emit('message-with-ack', ...args, (...answer) => resolve(answer))));
  const plain = (value) => {
    if (value instanceof ArrayBuffer) return { type: 'ArrayBuffer', bytes: [...new Uint8Array(value)] };
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  };

  const text = ['text', 'žluťoučký kůň', '👍🏽 𝒳𐍈', '', { deep: [1, null, true] }];
  const buffer = () => Uint8Array.from([0, 1, 127, 128, 255]).buffer;
  const blob = () => new Blob([Uint8Array.from([222, 173]), 'é'], { type: 'text/plain' });
  const greeting = next(socket, 'auth');
  // From the first moment on, so that with an upgrade this happens while it is under way.
  const upgraded = options.transports ? undefined : next(socket.io.engine, 'upgrade');

  const result = {
    auth: await greeting,
    text: await echo(...text),
    buffer: plain(await echo(buffer())),
    typedArray: plain(await echo(new Uint8Array(buffer(), 1, 3))),
    emptyBuffer: plain(await echo(new ArrayBuffer(0))),
    blob: plain(await echo('a blob', { deep: [blob(), buffer()] })),
    ack: await acknowledged(...text),
    binaryAck: plain(await acknowledged(buffer(), [blob()])),
  };

  socket.once('ack-request', (question, answer) => answer(`${question}!`, buffer()));
  const response = next(socket, 'ack-response');
  socket.emit('ack-me', 'really');
  result.asked = plain(await response);

  await upgraded;
  const sent = new Uint8Array(large).map((_, i) => (i * 31) & 0xff);
  const [back] = await echo(sent);
  result.large = new Uint8Array(back).every((byte, i) => byte === sent[i]) && back.byteLength;

  const numbers = Array.from({ length: 500 }, (_, i) => i);
  const received = [];
  const all = orBroken(new Promise((resolve) => {
    socket.on('message-back', (n) => received.push(n) === numbers.length && resolve());
  }));
  for (const n of numbers) socket.emit('message', n);
  await all;
  result.inOrder = received.every((n, i) => n === i);

  result.transport = socket.io.engine.transport.name;
  socket.off('disconnect');
  broken.catch(() => {});
  socket.disconnect();
  return { ...result, largeSent: large, textSent: text };
}

function assertVisit(result, mode) {
  const buffer = { type: 'ArrayBuffer', bytes: [0, 1, 127, 128, 255] };
  const blob = { type: 'ArrayBuffer', bytes: [222, 173, 195, 169] };
  assert.deepEqual(result, {
    auth: [{ from: 'browser' }],
    text: result.textSent,
    buffer: [buffer],
    typedArray: [{ type: 'ArrayBuffer', bytes: [1, 127, 128] }],
    emptyBuffer: [{ type: 'ArrayBuffer', bytes: [] }],
    blob: ['a blob', { deep: [blob, buffer] }],
    ack: result.textSent,
    binaryAck: [buffer, [blob]],
    asked: ['really!', buffer],
    large: result.largeSent,
    inOrder: true,
    transport: mode.name === 'polling' ? 'polling' : 'websocket',
    largeSent: result.largeSent,
    textSent: result.textSent,
  });
}

/** Serves an empty page and the bundle: an origin that is not the server under test. */
async function startOrigin() {
  const bundle = fs.readFileSync(BUNDLE);
  const server = http.createServer((request, response) => {
    if (request.url === '/socket.io.js') {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(bundle);
    } else {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end('<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script src="/socket.io.js"></script>');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
