// A day played as a film, of its own photos.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { Album } from '../harness/album.mjs';
import { violations } from '../harness/axe.mjs';
import { brought } from '../harness/brought.mjs';
import { launch } from '../harness/chromium.mjs';
import { bring } from '../harness/heavy.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

let vitrina;
let browser;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.test_card.show=never'] });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function plays(t, album, button, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  t.after(() => context.close());
  await album?.serve(context);
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}#/photos`);
  // Every photo that is ever said to be seen.
  await page.evaluate(() => {
    window.places = [];
    const see = () => {
      const at = document.querySelector('.dayfilm canvas')?.dataset.at;
      if (at !== undefined && Number(at) !== window.places.at(-1)) window.places.push(Number(at));
    };
    new MutationObserver(see).observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-at'] });
  });
  await page.getByRole('button', { name: button }).first().click();
  await page.locator('.dayfilm canvas').waitFor();
  return page;
}

const place = async (page) => Number(await page.locator('.dayfilm canvas').getAttribute('data-at'));

test('1,440 photos from the first on; Space halts, arrows step, the scrubber goes anywhere, Esc ends', async (t) => {
  const album = new Album(1_440, 0.45, new Date().setHours(12, 0, 0, 0));
  const page = await plays(t, album, 'Play the day');
  await page.getByText(/1,440 photos$/).first().waitFor();
  await page.keyboard.press('Shift+>');
  await until('it plays', async () => (await place(page)) > 3);
  assert.equal(await page.getByRole('button', { name: '25 a second' }).getAttribute('aria-pressed'), 'true');
  await page.getByRole('dialog').focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Go on (Space)' }).waitFor();
  const scrubber = page.getByRole('slider', { name: 'Place in the day' });
  await scrubber.fill('700');
  await until('it is there', async () => (await place(page)) === 700);
  await page.getByRole('dialog').focus();
  await page.keyboard.press('ArrowRight');
  await until('one further', async () => (await place(page)) === 701);
  await page.keyboard.press('Shift+ArrowRight');
  await until('an hour further', async () => (await place(page)) > 800);
  assert.deepEqual(await violations(page), []);
  await scrubber.fill('1439');
  await until('the newest photo is the last', async () => (await place(page)) === 1_439);
  await scrubber.press('Escape');
  await until('it ended', async () => (await page.locator('.dayfilm').count()) === 0);
  assert.deepEqual(page.errors, []);
});

test('each photo is seen once, in the order of the day, and the film halts at its end', async (t) => {
  await brought(vitrina, browser, 6);
  const page = await plays(t, null, 'Ver el día', { viewport: { width: 390, height: 844 }, locale: 'es-ES' });
  const colours = new Set();
  await until('its end', async () => {
    const pixel = await page.evaluate(() => {
      const canvas = document.querySelector('.dayfilm canvas');
      return [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2 - 60, 1, 1).data].join();
    });
    colours.add(pixel);
    return (await place(page)) === 5 && (await page.getByRole('button', { name: 'Seguir (Espacio)' }).count()) === 1;
  }, { every: 10 });
  assert.deepEqual(await page.evaluate('places'), [0, 1, 2, 3, 4, 5]);
  assert.ok(colours.size >= 2, 'different pictures were drawn');
  const { right, bottom } = await page.locator('.scrub').evaluate((scrub) => scrub.getBoundingClientRect().toJSON());
  assert.ok(right <= 390 && bottom <= 844.5, `all of the scrubber is seen: ${right}, ${bottom}`);
  await page.getByRole('button', { name: 'Seguir (Espacio)' }).click();
  await until('it begins again', async () => (await place(page)) < 5);
  assert.deepEqual(page.errors, []);
});

test('a day of stored photos at 25 a second leaves none out', async (t) => {
  await bring(vitrina, 150, 20_000);
  const page = await plays(t, null, 'Play the day');
  await page.keyboard.press('Escape');
  await until('the first film is gone', async () => (await page.locator('.dayfilm').count()) === 0);
  await page.evaluate(() => {
    window.drawn = 0;
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...all) {
      window.drawn++;
      return draw.apply(this, all);
    };
    window.places = [];
  });
  // Yesterday's.
  await page.getByRole('button', { name: 'Play the day' }).last().click();
  await page.keyboard.press('Shift+>');
  await until('its end', async () => (await place(page)) === 149, { limit: 120_000 });
  assert.deepEqual(await page.evaluate('places'), Array.from({ length: 150 }, (_, i) => i));
  assert.equal(await page.evaluate('drawn'), 150);
  assert.deepEqual(page.errors, []);
});
