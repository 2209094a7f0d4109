'use strict';

/** How many event loops the servers run on; every suite runs once with each. */
const SHARDS = [1, 4];

/** The ways a client can come in, as options of the official clients. The last is what they do by themselves. */
const MODES = [
  { name: 'polling', options: { transports: ['polling'] }, base64: true },
  { name: 'websocket', options: { transports: ['websocket'] } },
  { name: 'upgrade', options: {} },
];

/** What clients can be told in addition that cannot rely on binary to pass. */
const BASE64_MODES = [
  { name: 'polling in base64', options: { transports: ['polling'], forceBase64: true }, base64: true },
  { name: 'websocket in base64', options: { transports: ['websocket'], forceBase64: true }, base64: true },
];

/**
 * Bytes of a binary message that fits the limit of 1 000 000 bytes in a mode: in base64 it takes a third more. An upgraded client
 * has to have its WebSocket first.
 */
const largeBinary = (mode) => (mode.base64 ? 700_000 : 900_000);

module.exports = { BASE64_MODES, MODES, SHARDS, largeBinary };
