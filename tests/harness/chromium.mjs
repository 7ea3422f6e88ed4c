// A real Chromium, driven by Playwright.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { enter } from './namespace.mjs';
import { folder } from './scratch.mjs';

/** The browser: $CHROMIUM, else Debian's. */
export const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** A camera that Chromium makes itself, and that pages get unasked. */
export const FAKE_CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

/** Starts a browser; it ends with the test process. */
export function launch(flags = []) {
  return chromium.launch({ executablePath: EXECUTABLE, args: [...FLAGS, ...flags] });
}

/** Starts a browser where the process `pid` is, in its network. */
export function launchIn(pid, flags = []) {
  const program = join(folder('browser'), 'chromium');
  writeFileSync(program, `#!/bin/sh\nexec nsenter ${enter(pid).join(' ')} ${EXECUTABLE} "$@"\n`, { mode: 0o755 });
  return chromium.launch({ executablePath: program, args: [...FLAGS, ...flags] });
}
