// A real Chromium, driven by Playwright.

import { chromium } from 'playwright-core';

/** The browser: $CHROMIUM, else Debian's. */
export const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Starts a browser; it ends with the test process. */
export function launch() {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}
