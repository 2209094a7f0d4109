'use strict';

// Child processes that listen on the loopback interface: on a free port, and never longer than this process.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');

const { within } = require('./wait');

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
const ATTEMPTS = 3;

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
class Child {
  #child;
  #name;
  #exit;
  #stopped;
  #output = { stdout: '', stderr: '' };

  constructor(name, command, args, env = process.env) {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#name = name;
    this.#child = child;
    this.pid = child.pid;
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

  /** Resolves when there is a whole line of output. */
  line() {
    return new Promise((resolve) => {
      const look = () => this.#output.stdout.includes('\n') && resolve();
      this.#child.stdout.on('data', look);
    });
  }

  /** Resolves when `sign` does. If the child ends before, or takes too long, it is stopped, and this rejects. */
  async started(sign) {
    const ended = this.#exit.then((how) => {
      throw this.#error(`ended before it listened (${describe(how)})`);
    });
    try {
      await within(START_DEADLINE_MS, Promise.race([sign, ended]), () => this.#error('gives no sign of listening'));
    } catch (error) {
      await this.stop().catch(() => {});
      throw error;
    }
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
    return new Error(`${this.#name} ${what}${said ? `; it wrote:\n${said}` : ''}`);
  }
}

/** What `launch(port)` resolves with on a free port; as another process may take that port in between, it is tried again. */
async function onFreePort(launch) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(await freePort());
    } catch (error) {
      if (attempt === ATTEMPTS || error.code === 'ENOENT') throw error;
    }
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

const describe = ({ error, code, signal }) => (error ? error.message : signal ? `signal ${signal}` : `status ${code}`);

module.exports = { Child, onFreePort };
