'use strict';

// What tests do with a socket.io-client of any version (see clients.js): connections, namespaces, echoes.

const assert = require('node:assert/strict');

const { DEADLINE_MS, Inbox, next, within } = require('./wait');

const EVENTS = ['auth', 'message-back', 'ack-response', 'broadcast-back', 'room-back', 'disconnect'];

/** A way to come in: clients of one version, in one mode, to the server that `server()` is when a client comes. */
class Way {
  #server;

  constructor(server, version, mode) {
    this.#server = server;
    this.version = version;
    this.mode = mode;
  }

  /** A connection without a namespace so far. */
  open(t) {
    const options = { ...this.mode.options, reconnectionDelay: 10, reconnectionDelayMax: 50 };
    const manager = new this.version.io.Manager(this.#server().url, options);
    t.after(() => this.version.close(manager));
    return manager;
  }

  /** A socket in a namespace of that connection, with an inbox for each event from the beginning on. */
  enter(manager, nsp, credentials) {
    return withInboxes(this.version.enter(manager, nsp, credentials));
  }

  /** A socket in a namespace, on a connection of its own. */
  client(t, nsp = '/', credentials = undefined) {
    return this.enter(this.open(t), nsp, credentials);
  }

  /** The same in `/`, once the client can be trusted with text of all kinds. */
  async textClient(t) {
    const client = this.client(t);
    return this.version.wideText ? client : this.settle(client);
  }

  /** The same, as applications say it: with the namespace, and perhaps a query, in the address. */
  clientAt(t, path) {
    const socket = this.version.io.connect(this.#server().url + path, { ...this.mode.options, forceNew: true });
    t.after(() => this.version.close(socket.io));
    return withInboxes(socket);
  }

  /** Waits until a client is on the transport it will stay on. */
  async settle(client) {
    if (this.mode.name === 'upgrade') await next(client.socket.io.engine, 'upgrade');
    return connected(client);
  }
}

/** That socket with an inbox for each event, and a name that no other has. */
function withInboxes(socket) {
  const inboxes = new Map(EVENTS.map((event) => [event, new Inbox(socket, event)]));
  return { socket, inbox: (event) => inboxes.get(event), name: (socketCount += 1) };
}

let socketCount = 0;

async function connected(client) {
  if (!client.socket.connected) await next(client.socket, 'connect');
  return client;
}

/** Sends `message` and asserts that the same arguments are the next to come back. */
async function echo({ socket, inbox }, ...args) {
  socket.emit('message', ...args);
  assert.deepEqual(await inbox('message-back').take(), args);
}

/** Resolves with what the server acknowledges. */
function request(socket, ...args) {
  const answered = new Promise((resolve) => {
    socket.emit('message-with-ack', ...args, (...answer) => resolve(answer));
  });
  return within(DEADLINE_MS, answered, () => new Error(`no acknowledgement within ${DEADLINE_MS} ms`));
}

/** Sends to everybody in the namespace, signed. */
const broadcast = ({ socket, name }, ...args) => socket.emit('broadcast', name, ...args);

/**
 * The next that `sender` broadcast. What others did is passed over: a broadcast of a former test may reach a client that has come
 * since, on an event loop which had nobody to bring it to before.
 */
async function heard({ inbox }, sender) {
  for (;;) {
    const [name, ...args] = await inbox('broadcast-back').take();
    if (name === sender.name) return args;
  }
}

/** What `sender` sent before this, all of `clients` have got when it returns: a broadcast keeps the order of its sender. */
async function markBy(sender, clients) {
  const marker = `marker ${(markCount += 1)}`;
  broadcast(sender, marker);
  for (const client of clients) assert.deepEqual(await heard(client, sender), [marker]);
}

let markCount = 0;

/** Sends numbers from the beginning until well after the upgrade, a few every `pace` ms and more at each step of it. */
async function numbersAcrossUpgrade({ socket, inbox }, pace) {
  const { engine } = socket.io;
  let sent = 0;
  const send = (count) => {
    for (let i = 0; i < count; i += 1) socket.emit('message', sent++, sent % 10 === 0 ? bytes(5) : 'text');
  };
  const upgraded = next(engine, 'upgrade');
  // Not before: of what is sent while an old client connects, and what is sent as soon as it has, the latter goes first.
  await next(socket, 'connect');
  send(50);
  for (const step of ['upgrading', 'upgrade']) engine.once(step, () => send(50));
  const pump = setInterval(() => send(1 + pace), pace);
  try {
    await upgraded;
  } finally {
    clearInterval(pump);
  }
  send(500);
  assertNumbered(await inbox('message-back').takeAll(sent));
}

/** Asserts that the first arguments of `events` are 0, 1, 2… */
function assertNumbered(events) {
  const wrong = events.findIndex(([n], i) => n !== i);
  assert.equal(wrong, -1, wrong === -1 ? '' : `number ${events[wrong][0]} came at place ${wrong}`);
}

const bytes = (size) => Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 0xff));

module.exports = {
  ...{ Way, assertNumbered, bytes, connected },
  ...{ broadcast, echo, heard, markBy, numbersAcrossUpgrade, request },
};
