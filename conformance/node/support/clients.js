'use strict';

// The official clients of every generation under test, and how the generations differ where a test can see it.

/** What the server must be told so that it takes clients of Engine.IO 3, and what every suite tells it. */
const TAKES_ALL = { ALLOW_EIO3: 1 };

/**
 * socket.io-client 1 and 2 speak Engine.IO 3. The server puts them into the namespace `/` as soon as they have a connection: they
 * never ask for it, so they have nothing to say to it, and cannot come back once they have left it. To another namespace they
 * bring a query, and their ids come from the one of the session.
 */
const ENGINE_IO_3 = {
  credentials: { token: 'abc', words: 'žluťoučký kůň & 👍 = ? / # , +' },
  enter: (manager, nsp, credentials) => manager.socket(nsp, credentials && { query: query(credentials) }),
  greeting: (nsp, credentials = {}) => (nsp === '/' ? {} : credentials),
  queryGreets: true,
  refusal: 'error',
  reenters: '/custom',
  wideText: true,
  close: (manager) => manager.close(),
};

const VERSION_1 = { credentials: { token: 'abc', words: 'a & b = ? / # , +' }, ids: 1, wideText: false };

/** socket.io-client 3 and 4 speak Engine.IO 4, and ask for each namespace, with credentials that may be any JSON. */
const ENGINE_IO_4 = {
  credentials: { token: 'abc', deep: { list: [1, null, '👍'] } },
  enter: (manager, nsp, credentials) => manager.socket(nsp, credentials && { auth: credentials }),
  greeting: (nsp, credentials = {}) => credentials,
  parsers: true,
  queryGreets: false,
  refusal: 'connect_error',
  reenters: '/',
  ids: 3,
  wideText: true,
  close(manager) {
    manager.reconnection(false);
    manager._close();
  },
};

/**
 * - `credentials`: an example of what a client may bring to a namespace; `greeting` is what the server's `auth` says of it
 * - `parsers`: whether it can be told to write packets in another way than as JSON
 * - `queryGreets`: whether the query of a namespace's address is taken for credentials
 * - `refusal`: the event that tells of a namespace refused
 * - `reenters`: a namespace that can be left and entered again on the same connection
 * - `ids`: how many ids a client with two namespaces has: the session's and each socket's, or less
 * - `wideText`: whether text beyond ASCII passes unharmed over every transport; version 1 encodes it as UTF-8 twice when it polls,
 *   so that it comes back well only the way it went, and larger
 */
const SOCKET_IO = [
  { name: 'socket.io-client 1.7', io: require('socket.io-client-1.7'), ...ENGINE_IO_3, ...VERSION_1 },
  { name: 'socket.io-client 2.5', io: require('socket.io-client-2.5'), ...ENGINE_IO_3, ids: 2 },
  { name: 'socket.io-client 3.1', io: require('socket.io-client-3.1'), ...ENGINE_IO_4 },
  { name: 'socket.io-client 4.0', io: require('socket.io-client-4.0'), ...ENGINE_IO_4 },
  { name: 'socket.io-client 4.8', io: require('socket.io-client'), ...ENGINE_IO_4 },
];

/**
 * - `revision`: of the protocol
 * - `heartbeat`: the event that tells of a ping that came, or of a ping that was answered
 * - `tellsCode`: whether a close tells the code of the WebSocket's close frame
 */
const ENGINE_IO = [
  {
    name: 'engine.io-client 3',
    Socket: require('engine.io-client-3'),
    revision: 3,
    heartbeat: 'pong',
    tellsCode: false,
  },
  {
    name: 'engine.io-client 6',
    Socket: require('engine.io-client').Socket,
    revision: 4,
    heartbeat: 'ping',
    tellsCode: true,
  },
];

const query = (fields) =>
  Object.entries(fields)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');

module.exports = { ENGINE_IO, SOCKET_IO, TAKES_ALL };
