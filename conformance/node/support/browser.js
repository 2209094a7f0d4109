'use strict';

// A real browser: headless Chromium, driven over its own debugging protocol.
//
// CHROMIUM   the browser's executable; default: /usr/bin/chromium, where Debian's package puts it

const fs = require('node:fs');

const { chromium } = require('playwright-core');

const EXECUTABLE = process.env.CHROMIUM || '/usr/bin/chromium';
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
// Nothing here looks at the page, so that drawing it may be cheap.
const PAGE = { viewport: { width: 800, height: 600 }, reducedMotion: 'reduce' };
const START_DEADLINE_MS = 30_000;
const STEP_DEADLINE_MS = 10_000;

/** Starts Chromium with a fresh profile, which playwright makes and removes. A machine without it fails the test. */
async function launchBrowser() {
  if (!fs.existsSync(EXECUTABLE)) {
    throw new Error(`${EXECUTABLE} is missing: install the package chromium, or name your browser in CHROMIUM`);
  }
  return chromium.launch({ executablePath: EXECUTABLE, args: ARGS, headless: true, timeout: START_DEADLINE_MS });
}

/** A new tab in a window of its own; whatever goes wrong inside it uncaught is collected in `errors`. */
async function newTab(browser) {
  const tab = await browser.newPage(PAGE);
  tab.setDefaultTimeout(STEP_DEADLINE_MS);
  const errors = [];
  tab.on('pageerror', (error) => errors.push(error));
  return { tab, errors };
}

module.exports = { launchBrowser, newTab };
