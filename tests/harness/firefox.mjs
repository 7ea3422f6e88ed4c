// Debian's Firefox, driven by Playwright through the browser's own WebDriver BiDi
// (https://w3c.github.io/webdriver-bidi/), so that it needs no other program.

import { firefox } from 'playwright-core';

/** The browser: $FIREFOX, else Debian's. */
const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

const PREFERENCES = {
  // Without a window system there is no mouse: one that hovers, as on a desk.
  'ui.primaryPointerCapabilities': 6,
  'ui.allPointerCapabilities': 6,
  // A camera that it makes itself, and that pages get unasked.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
};

/** Starts a browser; it ends with the test process. */
export function launch() {
  return firefox.launch({ channel: 'moz-firefox', executablePath: EXECUTABLE, firefoxUserPrefs: PREFERENCES });
}
