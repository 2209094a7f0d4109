'use strict';

// The chat example as its visitors see it: its page, in Chromium, one tab each.

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');

const { launchBrowser, newTab } = require('../support/browser');
const { SHARDS } = require('../support/modes');
const { startChat } = require('../support/servers');
const { until } = require('../support/wait');

const TIMEOUT = { timeout: 45_000 };

describe('the chat page in Chromium', () => {
  let browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  for (const shards of SHARDS) {
    describe(`SHARDS=${shards}`, () => {
      let server;
      before(async () => {
        server = await startChat({ SHARDS: shards });
      });
      after(() => server?.stop());

      test('two visitors see and hear each other', TIMEOUT, async (t) => {
        const { ann, bob } = await visit(t, server, 'meeting', ['ann', 'bob']);
        const words = 'hello <b>bob</b> & "all" 👍🏽';
        await ann.say(words);
        for (const visitor of [ann, bob]) await visitor.hears('room', ann, words);
        await bob.say('hi ann, grüß dich');
        for (const visitor of [ann, bob]) await visitor.hears('room', bob, 'hi ann, grüß dich');
      });

      test('who types is shown to the others until it is sent', TIMEOUT, async (t) => {
        const { ann, bob } = await visit(t, server, 'typing', ['ann', 'bob']);
        await ann.type('hmm');
        await bob.shows('#typing', (text) => text.includes(ann.nickname));
        await ann.send();
        await bob.hears('room', ann, 'hmm');
        await bob.shows('#typing', (text) => text === '');
        assert.equal(await ann.text('#typing'), '');
      });

      test('a whisper is for one person', TIMEOUT, async (t) => {
        const { ann, bob, cyd } = await visit(t, server, 'whispers', ['ann', 'bob', 'cyd']);
        await ann.say(`/w ${bob.nickname} just for you`);
        await ann.say('for all');
        for (const visitor of [ann, bob, cyd]) await visitor.hears('room', ann, 'for all');
        await bob.hears('whisper', ann, 'just for you');
        assert.deepEqual(await bob.heard('whisper'), [ann.nickname]);
        assert.deepEqual(await cyd.heard('whisper'), []);
        assert.equal((await cyd.text('#messages')).includes('just for you'), false);
      });

      test('who moves to another room hears only that one', TIMEOUT, async (t) => {
        const { ann, bob } = await visit(t, server, 'first', ['ann', 'bob']);
        await ann.moveTo('second');
        await ann.sees(ann);
        await bob.sees(bob);
        await bob.say('anyone here?');
        await bob.hears('room', bob, 'anyone here?');

        await bob.moveTo('second');
        for (const visitor of [ann, bob]) await visitor.sees(ann, bob);
        await bob.say('there you are');
        await ann.hears('room', bob, 'there you are');
        assert.equal((await ann.text('#messages')).includes('anyone here?'), false);
      });

      test('who closes the tab is gone', TIMEOUT, async (t) => {
        const { ann, bob } = await visit(t, server, 'leaving', ['ann', 'bob']);
        await bob.close();
        await ann.sees(ann);
      });

      test('after a restart of the server everybody is back', TIMEOUT, async (t) => {
        const first = await startChat({ SHARDS: shards });
        t.after(() => first.stop());
        const { ann, bob } = await visit(t, first, 'restart', ['ann', 'bob']);
        await ann.say('before');
        await bob.hears('room', ann, 'before');

        await first.stop();
        for (const visitor of [ann, bob]) await visitor.shows('#status', (text) => text !== 'connected');
        const second = await startChat({ SHARDS: shards, PORT: first.port });
        t.after(() => second.stop());
        for (const visitor of [ann, bob]) await visitor.shows('#status', (text) => text === 'connected');
        for (const visitor of [ann, bob]) await visitor.sees(ann, bob);

        await ann.say('after');
        await bob.say('likewise');
        for (const visitor of [ann, bob]) {
          await visitor.hears('room', ann, 'after');
          await visitor.hears('room', bob, 'likewise');
        }
      });
    });
  }

  /**
   * Visitors of one room, each in a window of its own (hidden tabs are slowed down), every other one over polling alone. Their
   * nicknames are used once: those of the test before may not be free yet.
   */
  async function visit(t, server, room, names) {
    const enter = async (name, i) => {
      const nickname = `${name}${(visitCount += 1)}`;
      const { tab, errors } = await newTab(browser);
      t.after(() => tab.close());
      t.after(() => assert.deepEqual(errors, [], `errors in ${nickname}'s tab`));
      await tab.goto(`${server.url}/${i % 2 === 1 ? '?transports=polling' : ''}#${room}`);
      const visitor = new Visitor(tab, nickname);
      await visitor.enter();
      return [name, visitor];
    };
    const visitors = Object.fromEntries(await Promise.all(names.map(enter)));
    const all = Object.values(visitors);
    for (const visitor of all) await visitor.sees(...all);
    return visitors;
  }
});

let visitCount = 0;

/** One tab with the page in it, and what its visitor does and notices. */
class Visitor {
  #tab;

  constructor(tab, nickname) {
    this.#tab = tab;
    this.nickname = nickname;
  }

  async enter() {
    await this.#tab.fill('#nickname', this.nickname);
    await this.#tab.click('#enter');
  }

  async say(text) {
    await this.#tab.fill('#message', text);
    await this.send();
  }

  /** Key by key. */
  type(text) {
    return this.#tab.locator('#message').pressSequentially(text);
  }

  send() {
    return this.#tab.click('#send');
  }

  async moveTo(room) {
    await this.#tab.fill('#room', room);
    await this.#tab.click('#join');
  }

  close() {
    return this.#tab.close();
  }

  /** Waits for this line in the conversation; there must be one only. */
  hears(kind, { nickname }, text) {
    return this.#tab.locator(`#messages li[data-kind="${kind}"][data-from="${nickname}"]`).filter({ hasText: text }).waitFor();
  }

  /** Of whom there are lines of this kind in the conversation. */
  heard(kind) {
    return this.#tab.locator(`#messages li[data-kind="${kind}"]`).evaluateAll((lines) => lines.map((line) => line.dataset.from));
  }

  /** Waits until exactly these people are shown. */
  async sees(...visitors) {
    const names = () => this.#tab.locator('#people li').evaluateAll((people) => people.map((person) => person.dataset.name));
    const expected = visitors.map(({ nickname }) => nickname).sort().join(', ');
    let shown;
    await until(
      async () => (shown = (await names()).sort().join(', ')) === expected,
      () => `${this.nickname} sees ${expected}, not ${shown}`,
    );
  }

  /** Waits until the text of an element is as wished. */
  async shows(selector, wished) {
    let shown;
    await until(
      async () => wished((shown = await this.text(selector))),
      () => `${selector} of ${this.nickname} is as wished, not '${shown}'`,
    );
  }

  text(selector) {
    return this.#tab.locator(selector).innerText();
  }
}
