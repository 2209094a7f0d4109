'use strict';

// The official browser bundles, as Chromium loads them from the conformance server itself, for a page of another origin.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { launchBrowser, newTab } = require('../support/browser');
const { SHARDS } = require('../support/modes');
const { startSio } = require('../support/servers');

const CLIENT_FILES = path.join(path.dirname(require.resolve('socket.io-client/package.json')), 'dist');
const TIMEOUT = { timeout: 30_000 };

const SCRIPT = (url) => `<script src="${url}"></script>`;
const MODULE = (url) => `<script type="module">import { io } from "${url}"; globalThis.io = io;</script>`;
const BUNDLES = [
  ['socket.io.js', SCRIPT],
  ['socket.io.min.js', SCRIPT],
  // Browsers keep modules of other origins away from a page unless CORS allows it.
  ['socket.io.esm.min.js', MODULE],
];

for (const shards of SHARDS) {
  describe(`client files in Chromium, SHARDS=${shards}`, () => {
    let browser;
    let server;
    before(async () => {
      server = await startSio({ SHARDS: shards, PING_TIMEOUT: 10_000, CLIENT_FILES });
      browser = await launchBrowser();
    });
    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    for (const [name, load] of BUNDLES) {
      test(`${name} is loaded, connects, and is not sent twice`, TIMEOUT, async (t) => {
        const url = `${server.url}/socket.io/${name}`;
        const page = await startPage(load(url));
        t.after(() => page.stop());
        const { tab, errors } = await newTab(browser);
        t.after(() => tab.close());

        const first = await goto(tab, page.url, url);
        assert.equal(first.status, 200);
        assert.equal(first.asked, undefined);
        assert.deepEqual(await tab.evaluate(visit, server.url), ['hello', 1]);

        const second = await goto(tab, page.url, url);
        assert.equal(second.asked, first.tag);
        assert.equal(second.status, 304);
        assert.deepEqual(await tab.evaluate(visit, server.url), ['hello', 1]);
        assert.deepEqual(errors, []);
      });
    }
  });
}

/** Opens the page and tells how the bundle was asked for and answered. */
async function goto(tab, pageUrl, bundleUrl) {
  const [response] = await Promise.all([tab.waitForResponse(bundleUrl), tab.goto(pageUrl)]);
  const asked = await response.request().allHeaders();
  const { etag } = await response.allHeaders();
  return { status: response.status(), tag: etag, asked: asked['if-none-match'] };
}

/** Runs in the page. Resolves with what came back. */
async function visit(url) {
  const socket = globalThis.io(url, { forceNew: true, reconnection: false });
  const back = await new Promise((resolve, reject) => {
    socket.on('connect_error', reject);
    socket.emit('message-with-ack', 'hello', 1, (...answer) => resolve(answer));
  });
  socket.disconnect();
  return back;
}

/** Serves a page that loads a bundle from somewhere else. */
async function startPage(script) {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(`<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${script}`);
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
