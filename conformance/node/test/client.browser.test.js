'use strict';

// The official clients' browser bundles, in Chromium, on a page of another origin than the conformance server's.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { launchBrowser, newTab } = require('../support/browser');
const { TAKES_ALL } = require('../support/clients');
const { MODES, SHARDS, largeBinary } = require('../support/modes');
const { startSio } = require('../support/servers');

const PATIENT = { PING_TIMEOUT: 10_000 };
const TIMEOUT = { timeout: 30_000 };

/**
 * - `path`, `options`: what makes the server greet with `{ from: 'browser' }`
 * - `typedArray`: how a Uint8Array of 1, 127, 128 comes back; version 2 does not know it for binary
 * - `anonymous`, `known`: options for requests without and with credentials; version 2 sends them unless told otherwise
 */
const VERSIONS = [
  {
    name: 'socket.io.js 2.5',
    bundle: bundle('socket.io-client-2.5'),
    modes: [...MODES, { name: 'jsonp', options: { transports: ['polling'], forceJSONP: true }, base64: true }],
    path: '/custom?from=browser',
    options: {},
    typedArray: { 0: 1, 1: 127, 2: 128 },
    anonymous: { withCredentials: false },
    known: {},
  },
  {
    name: 'socket.io.js 4.8',
    bundle: bundle('socket.io-client'),
    modes: MODES,
    path: '/',
    options: { auth: { from: 'browser' } },
    typedArray: { type: 'ArrayBuffer', bytes: [1, 127, 128] },
    anonymous: {},
    known: { withCredentials: true },
  },
];

for (const version of VERSIONS) {
  describe(`${version.name} in Chromium`, () => inChromium(version));
}

function inChromium(version) {
  let browser;
  let origin;
  before(async () => {
    origin = await startOrigin(version.bundle);
    browser = await launchBrowser();
  });
  after(async () => {
    await browser?.close();
    await origin?.stop();
  });

  for (const shards of SHARDS) {
    for (const [cors, credentials] of [['*', 'anonymous'], ['reflect', 'known']]) {
      describe(`SHARDS=${shards}, CORS_ORIGIN=${cors}`, () => {
        let server;
        before(async () => {
          server = await startSio({ SHARDS: shards, CORS_ORIGIN: cors, ...TAKES_ALL, ...PATIENT });
        });
        after(() => server?.stop());

        for (const mode of version.modes) {
          test(`${mode.name}: text, binary, acknowledgements`, TIMEOUT, async (t) => {
            const { tab, errors } = await openTab(t);
            const options = { ...version.options, ...version[credentials], ...mode.options };
            // The form's frame may say that it is done before it is: what takes long is overtaken by the next.
            const large = mode.name === 'jsonp' ? 20_000 : largeBinary(mode);
            const result = await tab.evaluate(visit, { url: server.url + version.path, options, large });
            assertVisit(result, version, mode);
            assert.deepEqual(errors, []);
          });
        }
      });
    }
  }

  async function openTab(t) {
    const opened = await newTab(browser);
    t.after(() => opened.tab.close());
  await opened.tab.goto(origin.url);
    return opened;
  }
}

/** Runs in the page. Resolves with what came back: binary as arrays of numbers, each with the name of its type. */
async function visit({ url, options, large }) {
  const socket = globalThis.io(url, { ...options, forceNew: true, reconnection: false });
  const broken = new Promise((_, reject) => {
    for (const event of ['connect_error', 'error']) socket.on(event, reject);
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

  const text = ['text', 'lines\nand \\n "quotes"', 'žluťoučký kůň', '👍🏽 𝒳𐍈', '', { deep: [1, null, true] }];
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
  const [back] = await echo(sent.buffer);
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

function assertVisit(result, version, mode) {
  const buffer = { type: 'ArrayBuffer', bytes: [0, 1, 127, 128, 255] };
  const blob = { type: 'ArrayBuffer', bytes: [222, 173, 195, 169] };
  assert.deepEqual(result, {
    auth: [{ from: 'browser' }],
    text: result.textSent,
    buffer: [buffer],
    typedArray: [version.typedArray],
    emptyBuffer: [{ type: 'ArrayBuffer', bytes: [] }],
    blob: ['a blob', { deep: [blob, buffer] }],
    ack: result.textSent,
    binaryAck: [buffer, [blob]],
    asked: ['really!', buffer],
    large: result.largeSent,
    inOrder: true,
    transport: ['polling', 'jsonp'].includes(mode.name) ? 'polling' : 'websocket',
    largeSent: result.largeSent,
    textSent: result.textSent,
  });
}

function bundle(name) {
  return path.join(path.dirname(require.resolve(`${name}/package.json`)), 'dist', 'socket.io.js');
}

/** Serves an empty page and the bundle in that file: an origin that is not the server under test. */
async function startOrigin(file) {
  const bundle = fs.readFileSync(file);
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
