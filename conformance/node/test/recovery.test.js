'use strict';

// The official client loses its connection and takes its session up again, against the server for client suites.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { io } = require('socket.io-client');

const { MODES, SHARDS } = require('../support/modes');
const { startSioClientSuite } = require('../support/servers');
const { Inbox, next } = require('../support/wait');

const LOSSES = 5;
const TEXTS = ['てすと', 'Я Б Г Д Ж Й', 'Ä ä Ü ü ß', 'utf8 — string', 'utf8 — string'];

for (const shards of SHARDS) {
  for (const mode of MODES) {
    describe(`recovery, ${mode.name}, SHARDS=${shards}`, () => {
      let server;
      before(async () => {
        server = await startSioClientSuite({ SHARDS: shards });
      });
      after(() => server?.stop());

      const connect = (t) => {
        const options = { ...mode.options, forceNew: true, reconnectionDelay: 10, reconnectionDelayMax: 20 };
        const socket = io(server.url, options);
        t.after(() => socket.disconnect());
        return socket;
      };

      test('a client that lost its connection has its id back, again and again', async (t) => {
        const socket = connect(t);
        await next(socket, 'connect');
        assert.equal(socket.recovered, false);
        const { id } = socket;
        for (let loss = 0; loss < LOSSES; loss += 1) {
          const lost = next(socket, 'disconnect');
          socket.io.engine.close();
          await lost;
          await next(socket, 'connect');
          assert.deepEqual([socket.id, socket.recovered], [id, true], `after ${loss + 1} losses`);
        }
      });

      test('what was sent to it meanwhile comes once, and in order', async (t) => {
        const socket = connect(t);
        const texts = new Inbox(socket, 'takeUtf8');
        await next(socket, 'connect');
        for (let loss = 0; loss < LOSSES; loss += 1) {
          socket.emit('getUtf8');
          // What it has asked for is on its way, or the answers to it are.
          await next(socket, 'takeUtf8');
          const lost = next(socket, 'disconnect');
          socket.io.engine.close();
          await lost;
          await next(socket, 'connect');
          assert.equal(socket.recovered, true);
        }
        const heard = (await texts.takeAll(TEXTS.length * LOSSES)).map(([text]) => text);
        const expected = Array.from({ length: LOSSES }, () => TEXTS).flat();
        assert.deepEqual(heard, expected);
      });

      test('a client that parted on purpose begins anew', async (t) => {
        const socket = connect(t);
        await next(socket, 'connect');
        const { id } = socket;
        socket.disconnect().connect();
        await next(socket, 'connect');
        assert.equal(socket.recovered, false);
        assert.notEqual(socket.id, id);
      });
    });
  }
}
