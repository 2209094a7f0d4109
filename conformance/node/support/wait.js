'use strict';

// Waiting with deadlines: nothing in these tests sleeps and hopes.

const DEADLINE_MS = 10_000;

/** Settles as `promise` does, or rejects with `error()` after `ms` milliseconds. */
async function within(ms, promise, error) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(error()), ms);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves with the arguments of the next `event` of `emitter`. */
async function next(emitter, event, ms = DEADLINE_MS) {
  let listener;
  const happened = new Promise((resolve) => {
    listener = (...args) => resolve(args);
    emitter.once(event, listener);
  });
  try {
    return await within(ms, happened, () => new Error(`no '${event}' within ${ms} ms`));
  } finally {
    emitter.off(event, listener);
  }
}

/** Asks `condition` again and again until it holds, for what announces itself by no event; `what()` describes it. */
async function until(condition, what, ms = DEADLINE_MS) {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Keeps every `event` of `emitter`, from now on, as its array of arguments. */
class Inbox {
  #event;
  #taken = 0;
  #wake = () => {};
  all = [];

  constructor(emitter, event) {
    this.#event = event;
    emitter.on(event, (...args) => {
      this.all.push(args);
      this.#wake();
    });
  }

  /** The next one not taken so far. */
  async take() {
    const [args] = await this.takeAll(1);
    return args;
  }

  /** The next `count` not taken so far, in the order of their arrival. */
  async takeAll(count, ms = DEADLINE_MS) {
    const end = this.#taken + count;
    if (this.all.length < end) {
      const enough = new Promise((resolve) => {
        this.#wake = () => this.all.length >= end && resolve();
      });
      const got = () => this.all.length - this.#taken;
      await within(ms, enough, () => new Error(`${got()} of ${count} '${this.#event}' within ${ms} ms`));
    }
    const args = this.all.slice(this.#taken, end);
    this.#taken = end;
    return args;
  }
}

module.exports = { DEADLINE_MS, Inbox, next, until, within };
