'use strict';

/** How many event loops the servers run on; every suite runs once with each. */
const SHARDS = [1, 4];

/** The ways a client can come in, as options of the official clients. The last is what they do by themselves. */
const MODES = [
  { name: 'polling', options: { transports: ['polling'] } },
  { name: 'websocket', options: { transports: ['websocket'] } },
  { name: 'upgrade', options: {} },
];

/**
 * Bytes of a binary message that fits the limit of 1 000 000 bytes in a mode: in base64, over polling, it takes a third more.
 * An upgraded client has to have its WebSocket first.
 */
const largeBinary = (mode) => (mode.name === 'polling' ? 700_000 : 900_000);

module.exports = { MODES, SHARDS, largeBinary };
