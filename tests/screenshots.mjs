// Each room and state of the page at three sizes, as pictures to be looked at:
// `node screenshots.mjs FOLDER [PLACE...]`, in the language of $LOCALE.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { FAKE_CAMERA, launch } from './harness/chromium.mjs';
import { Tour } from './harness/tour.mjs';
import { until } from './harness/until.mjs';

const { LOCALE: locale = 'en-GB' } = process.env;

const SIZES = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 },
  { width: 390, height: 844, phone: true },
];

/** All pictures in view are loaded. */
const LOADED = `[...document.images].every((image) => {
  const { top, bottom } = image.getBoundingClientRect();
  return image.complete || bottom < 0 || top > innerHeight;
})`;

const [folder, ...places] = process.argv.slice(2);
if (!folder) throw new Error('say into which folder the pictures go');
mkdirSync(folder, { recursive: true });

const tour = await Tour.start();
const browser = await launch(FAKE_CAMERA);
try {
  for (const { width, height, phone = false } of SIZES) {
    // With less motion nothing is half way when its picture is taken.
    const context = await browser.newContext({
      viewport: { width, height }, isMobile: phone, hasTouch: phone, reducedMotion: 'reduce', locale,
    });
    const page = await context.newPage();
    await tour.lead(page, async (place) => {
      if (places.length > 0 && !places.includes(place)) return;
      await until('all pictures are there', () => page.evaluate(LOADED));
      const path = join(folder, `${place}-${width}x${height}.jpg`);
      await page.screenshot({ path, type: 'jpeg', quality: 85 });
    });
    await context.close();
  }
} finally {
  await browser.close();
  await tour.stop();
}
