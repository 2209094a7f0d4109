'use strict';

// Starts the programs under test, each as a child process on a free port of the loopback interface.
//
// SIOMIO_BIN_DIR     where the release binaries are; default: target/release at the repository's root
// SIOMIO_REFERENCE   a Node script started as `node <script> eio|sio|chat` in place of the binaries; it keeps the same
//                    contract (PORT, one line when listening, ends upon SIGTERM)

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const { within } = require('./wait');

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
const ATTEMPTS = 3;

const BIN_DIR = process.env.SIOMIO_BIN_DIR || path.resolve(__dirname, '../../../target/release');

const PROGRAMS = {
  eio: { file: 'eio_echo', build: 'cargo build --release -p siomio-conformance' },
  sio: { file: 'sio_conformance', build: 'cargo build --release -p siomio-conformance' },
  chat: { file: path.join('examples', 'chat'), build: 'cargo build --release -p siomio --example chat' },
};

/** The Engine.IO echo server. */
const startEio = (env) => start('eio', env);

/** The Socket.IO conformance server. */
const startSio = (env) => start('sio', env);

/** The chat example, page included. */
const startChat = (env) => start('chat', env);

/**
 * Starts a program and resolves `{ url, port, pid, stop() }` once it listens. Without `env.PORT` it gets a free port; as another
 * process may take that port in between, a start that fails is tried again on another one.
 */
async function start(kind, env = {}) {
  if (env.PORT !== undefined) return launch(kind, env);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(kind, { ...env, PORT: await freePort() });
    } catch (error) {
      if (attempt === ATTEMPTS || error.code === 'ENOENT') throw error;
    }
  }
}

async function launch(kind, env) {
  const { command, args } = program(kind);
  const child = spawn(command, args, {
    env: { ...process.env, ...strings(env) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = new Running(kind, child, Number(env.PORT));
  try {
    await server.listening();
  } catch (error) {
    await server.stop().catch(() => {});
    throw error;
  }
  return server;
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

// No child outlives us, also when the test runner ends this process at once.
const running = new Set();
const killAll = () => running.forEach((child) => child.kill('SIGKILL'));
process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    killAll();
    process.kill(process.pid, signal);
  });
}

/** One child process, from its start to its end. */
class Running {
  #child;
  #kind;
  #exit;
  #stopped;
  #output = { stdout: '', stderr: '' };

  constructor(kind, child, port) {
    this.#kind = kind;
    this.#child = child;
    this.port = port;
    this.pid = child.pid;
    this.url = `http://127.0.0.1:${port}`;
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        this.#output[stream] += text;
      });
    }
    this.#exit = new Promise((resolve) => {
      child.once('error', (error) => resolve({ error }));
      // `close` comes after the last byte of output, unlike `exit`.
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    running.add(child);
  }

  /** Resolves with the first whole line of output. */
  async listening() {
    const line = new Promise((resolve) => {
      const look = () => this.#output.stdout.includes('\n') && resolve();
      this.#child.stdout.on('data', look);
    });
    const ended = this.#exit.then((how) => {
      throw this.#error(`ended before it listened (${describe(how)})`);
    });
    await within(START_DEADLINE_MS, Promise.race([line, ended]), () => this.#error('printed no line'));
  }

  /** Ends the child with SIGTERM, and rejects when it was gone already, does not go, or has panicked on the way. */
  stop() {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop() {
    const endedEarly = this.#child.exitCode !== null || this.#child.signalCode !== null;
    if (!endedEarly) this.#child.kill('SIGTERM');
    let how;
    try {
      how = await within(STOP_DEADLINE_MS, this.#exit, () => this.#error('does not end upon SIGTERM'));
    } catch (error) {
      this.#child.kill('SIGKILL');
      await this.#exit;
      throw error;
    } finally {
      running.delete(this.#child);
    }
    if (endedEarly) throw this.#error(`ended by itself (${describe(how)})`);
    if (how.code !== 0 && how.signal !== 'SIGTERM') throw this.#error(`ended badly upon SIGTERM (${describe(how)})`);
    if (this.#output.stderr.includes('panicked at')) throw this.#error('panicked');
  }

  #error(what) {
    const said = this.#output.stderr.trim();
    return new Error(`the ${this.#kind} server on port ${this.port} ${what}${said ? `; it wrote:\n${said}` : ''}`);
  }
}

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

const strings = (env) => Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));

const describe = ({ error, code, signal }) => (error ? error.message : signal ? `signal ${signal}` : `status ${code}`);

module.exports = { startEio, startSio, startChat };
