'use strict';

// All versions of the official socket.io-client at once on one Socket.IO conformance server, in each other's company.

const { after, before, describe, test } = require('node:test');

const { SOCKET_IO, TAKES_ALL } = require('../support/clients');
const { crowd } = require('../support/crowd');
const { MODES, SHARDS } = require('../support/modes');
const { startSio } = require('../support/servers');
const { Way } = require('../support/socket-io');

const TIMEOUT = { timeout: 60_000 };
const PATIENT = { PING_TIMEOUT: 10_000 };

for (const shards of SHARDS) {
  describe(`all versions together, SHARDS=${shards}`, () => {
    let server;
    before(async () => {
      server = await startSio({ SHARDS: shards, ...TAKES_ALL, ...PATIENT });
    });
    after(() => server?.stop());

    const ways = SOCKET_IO.flatMap((version) => MODES.map((mode) => new Way(() => server, version, mode)));
    test('sixty clients at once: echoes, rooms, a broadcast', TIMEOUT, (t) => crowd(t, ways));
  });
}
