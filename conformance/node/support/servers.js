'use strict';

// Starts the programs under test, each as a child process on a free port of the loopback interface.
//
// SIOMIO_BIN_DIR     where the release binaries are; default: target/release at the repository's root
// SIOMIO_REFERENCE   a Node script started as `node <script> eio|sio|suite|chat` in place of the binaries; it keeps the same
//                    contract (PORT, one line when listening, ends upon SIGTERM)

const fs = require('node:fs');
const path = require('node:path');

const { Child, onFreePort } = require('./processes');

const BIN_DIR = process.env.SIOMIO_BIN_DIR || path.resolve(__dirname, '../../../target/release');

const PROGRAMS = {
  eio: { file: 'eio_echo', build: 'cargo build --release -p siomio-conformance' },
  sio: { file: 'sio_conformance', build: 'cargo build --release -p siomio-conformance' },
  suite: { file: 'sio_client_suite', build: 'cargo build --release -p siomio-conformance' },
  chat: { file: path.join('examples', 'chat'), build: 'cargo build --release -p siomio --example chat' },
};

/** The Engine.IO echo server. */
const startEio = (env) => start('eio', env);

/** The Socket.IO conformance server. */
const startSio = (env) => start('sio', env);

/** The Socket.IO server for client suites. */
const startSioClientSuite = (env) => start('suite', env);

/** The chat example, page included. */
const startChat = (env) => start('chat', env);

/** Starts a program and resolves `{ url, port, pid, stop() }` once it listens, on a free port unless `env.PORT` names one. */
function start(kind, env = {}) {
  if (env.PORT !== undefined) return launch(kind, env);
  return onFreePort((port) => launch(kind, { ...env, PORT: port }));
}

async function launch(kind, env) {
  const { command, args } = program(kind);
  const port = Number(env.PORT);
  const child = new Child(`the ${kind} server on port ${port}`, command, args, { ...process.env, ...strings(env) });
  await child.started(child.line());
  return { url: `http://127.0.0.1:${port}`, port, pid: child.pid, stop: () => child.stop() };
}

function program(kind) {
  const reference = process.env.SIOMIO_REFERENCE;
  if (reference) return { command: process.execPath, args: [path.resolve(reference), kind] };
  const { file, build } = PROGRAMS[kind];
  const command = path.join(BIN_DIR, file);
  if (!fs.existsSync(command)) {
    throw Object.assign(new Error(`${command} is missing: build it with \`${build}\``), { code: 'ENOENT' });
  }
  return { command, args: [] };
}

const strings = (env) => Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));

module.exports = { startEio, startSio, startSioClientSuite, startChat };
