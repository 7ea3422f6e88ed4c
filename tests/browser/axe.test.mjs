// axe finds nothing wrong in any room and state, in both languages.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { violations } from '../harness/axe.mjs';
import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { Tour } from '../harness/tour.mjs';

let tour;
let browser;

before(async () => {
  tour = await Tour.start();
  browser = await launch(FAKE_CAMERA);
});

after(async () => {
  await browser?.close();
  await tour?.stop();
});

for (const [locale, viewport] of [['en-GB', { width: 1280, height: 800 }], ['es-ES', { width: 390, height: 844 }]]) {
  test(`in ${locale} at ${viewport.width} pixels`, async (t) => {
    // With less motion nothing is half faded at the time of the check.
    const context = await browser.newContext({ viewport, locale, reducedMotion: 'reduce' });
    t.after(() => context.close());
    const page = await context.newPage();
    const found = [];
    await tour.lead(page, async (place) => {
      assert.equal(await page.evaluate('document.documentElement.lang'), locale.slice(0, 2));
      // Activity brings back what has faded.
      await page.mouse.move(0, 1);
      await page.mouse.move(0, 0);
      for (const violation of await violations(page)) found.push([place, ...violation]);
    });
    assert.deepEqual(found, []);
  });
}
