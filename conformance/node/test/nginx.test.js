'use strict';

// The official clients and the Socket.IO conformance server with a real nginx between them.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { SOCKET_IO, TAKES_ALL } = require('../support/clients');
const { crowd } = require('../support/crowd');
const { MODES, SHARDS, largeBinary } = require('../support/modes');
const { startNginx } = require('../support/nginx');
const { startRelay } = require('../support/relay');
const { startSio } = require('../support/servers');
const { isUnknown } = require('../support/sessions');
const { Way, assertNumbered, bytes, connected } = require('../support/socket-io');
const { echo, numbersAcrossUpgrade, request } = require('../support/socket-io');
const { DEADLINE_MS, next, until } = require('../support/wait');

const PATIENT = { PING_TIMEOUT: 10_000 };
const TIMEOUT = { timeout: 60_000 };
// One of each protocol revision.
const VERSIONS = SOCKET_IO.filter(({ name }) => name.endsWith('2.5') || name.endsWith('4.8'));

for (const shards of SHARDS) {
  describe(`behind nginx, SHARDS=${shards}`, () => {
    let server;
    let nginx;
    const settings = { SHARDS: shards, ...TAKES_ALL, ...PATIENT };
    before(async () => {
      server = await startSio(settings);
      nginx = await startNginx(server.port);
    });
    after(async () => {
      await nginx?.stop();
      await server?.stop();
    });

    for (const version of VERSIONS) {
      for (const mode of MODES) {
        describe(`${version.name}, ${mode.name}, SHARDS=${shards}`, () => {
          visits(new Way(() => nginx, version, mode), () => server);
        });
      }
    }

    const ways = SOCKET_IO.flatMap((version) => MODES.map((mode) => new Way(() => nginx, version, mode)));
    test('sixty clients of all versions at once: echoes, rooms, a broadcast', TIMEOUT, (t) => crowd(t, ways));

    test('a poll that is given up ends the session', TIMEOUT, async () => {
      const session = `${nginx.url}/socket.io/?EIO=4&transport=polling`;
      const opened = await (await fetch(session, { signal: AbortSignal.timeout(DEADLINE_MS) })).text();
      const { sid } = JSON.parse(opened.slice(1));
      const gone = () => isUnknown(`${server.url}/socket.io/`, 4, sid);
      assert.equal(await gone(), false);
      // The first is answered with a ping; without a pong, nothing comes that would answer the next.
      const poll = (signal) => fetch(`${session}&sid=${sid}`, { signal });
      await poll(AbortSignal.timeout(DEADLINE_MS));
      await assert.rejects(poll(AbortSignal.timeout(100)), { name: 'TimeoutError' });
      await until(gone, () => 'the session is forgotten');
    });

    test('polling requests share connections to the server', TIMEOUT, async (t) => {
      const relay = await startRelay(server.port);
      t.after(() => relay.stop());
      const counted = await startNginx(relay.port);
      t.after(() => counted.stop());
      const polling = MODES.find(({ name }) => name === 'polling');
      const clients = VERSIONS.map((version) => new Way(() => counted, version, polling).client(t));
      await Promise.all(clients.map(async (client) => {
        for (let i = 0; i < 100; i += 1) await echo(client, i);
      }));
      const [requests, connections] = [counted.requests(), relay.connections()];
      // Of either client one request at most waits for messages while another brings some.
      assert.ok(requests >= 200 && connections <= 10, `${requests} requests on ${connections} connections`);
    });

    test('clients come back when the server does', TIMEOUT, async (t) => {
      const first = await startSio(settings);
      const front = await startNginx(first.port);
      t.after(() => front.stop());
      const clients = MODES.flatMap((mode) => VERSIONS.map((version) => new Way(() => front, version, mode).client(t)));
      await Promise.all(clients.map((client) => echo(client, 'before')));
      const lost = clients.map(({ inbox }) => inbox('disconnect').take());
      await first.stop();
      await Promise.all(lost);
      const second = await startSio({ ...settings, PORT: first.port });
      t.after(() => second.stop());
      await Promise.all(clients.map(({ socket }) => next(socket, 'connect')));
      await Promise.all(clients.map((client) => echo(client, 'after')));
    });
  });
}

function visits(way, server) {
  test('text, binary, acknowledgements', TIMEOUT, async (t) => {
    const client = way.client(t, '/custom', way.version.credentials);
    assert.deepEqual(await client.inbox('auth').take(), [way.version.greeting('/custom', way.version.credentials)]);
    await echo(client, 'žluťoučký kůň', '👍🏽', 1.5, { deep: [null, true] });
    await echo(client, { deep: [bytes(3), bytes(70_000)] }, bytes(0));
    assert.deepEqual(await request(client.socket, 'question', bytes(5)), ['question', bytes(5)]);
    client.socket.once('ack-request', (question, answer) => answer(question, bytes(6)));
    client.socket.emit('ack-me', 'really?');
    assert.deepEqual(await client.inbox('ack-response').take(), ['really?', bytes(6)]);
  });

  test('messages of 900 KB', TIMEOUT, async (t) => {
    const client = await way.settle(way.client(t));
    const [text, binary] = ['€'.repeat(300_000), bytes(largeBinary(way.mode))];
    client.socket.emit('message', text);
    client.socket.emit('message', binary);
    const [[sameText], [sameBinary]] = await client.inbox('message-back').takeAll(2);
    assert.ok(sameText === text && sameBinary.equals(binary), `${sameText.length} and ${sameBinary.length} came back`);
  });

  test('the transport is the one wanted, and 1000 events keep their order', TIMEOUT, async (t) => {
    const { socket, inbox } = await way.settle(way.client(t));
    for (let i = 0; i < 1000; i += 1) socket.emit('message', i);
    assertNumbered(await inbox('message-back').takeAll(1000));
    assert.equal(socket.io.engine.transport.name, way.mode.name === 'polling' ? 'polling' : 'websocket');
  });

  if (way.mode.name === 'upgrade') {
    test('events sent across the upgrade come back in order', TIMEOUT, async (t) => {
      await Promise.all([0, 1, 2, 3, 4, 5].map((pace) => numbersAcrossUpgrade(way.client(t), pace)));
    });
  }

  test('the end comes through from either side', TIMEOUT, async (t) => {
    for (const end of ['bye', 'bye-all', 'disconnect']) {
      const { socket, inbox } = await connected(way.client(t));
      const { id } = socket.io.engine;
      if (end === 'disconnect') socket.disconnect();
      else socket.emit(end);
      const reason = end === 'disconnect' ? 'io client disconnect' : 'io server disconnect';
      assert.equal((await inbox('disconnect').take())[0], reason);
      const gone = () => isUnknown(`${server().url}/socket.io/`, 4, id);
      await until(gone, () => `the session is forgotten after '${end}'`);
    }
  });

  if (way.mode.name !== 'polling') {
    test('a client that is cut off is forgotten, and comes back', TIMEOUT, async (t) => {
      const client = await way.settle(way.client(t));
      const { id, transport } = client.socket.io.engine;
      transport.ws.terminate();
      await client.inbox('disconnect').take();
      await until(() => isUnknown(`${server().url}/socket.io/`, 4, id), () => 'the session is forgotten');
      await echo(client, 'back');
      assert.notEqual(client.socket.io.engine.id, id);
    });
  }
}
