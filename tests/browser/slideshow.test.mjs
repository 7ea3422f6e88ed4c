// A slideshow of what is chosen: it turns by itself, takes in what comes, and leaves out what goes.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { violations } from '../harness/axe.mjs';
import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { brought } from '../harness/brought.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

let vitrina;
let browser;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.test_card.show=never'] });
  await brought(vitrina, browser, 4);
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function photos(t, locale = 'en-GB') {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale });
  t.after(() => context.close());
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}#/photos`);
  await page.locator('.grid a').nth(3).waitFor();
  return page;
}

/** The photo that is seen, once it is not `before`. */
const seen = (page, before = null) => until('another photo', async () => {
  const id = await page.locator('.slideshow .now').getAttribute('data-photo', { timeout: 1_000 });
  return id !== before && id;
});

test('all of a sentence by itself and by keys; Space halts, Esc ends where it began', async (t) => {
  const page = await photos(t);
  await page.getByRole('button', { name: 'Slideshow' }).click();
  const first = await seen(page);
  await page.getByRole('button', { name: '3 s' }).click();
  const second = await seen(page, first);
  await page.getByRole('dialog', { name: 'Slideshow' }).focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Go on (Space)' }).waitFor();
  await page.keyboard.press('ArrowLeft');
  assert.equal(await seen(page, second), first);
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Escape');
  await until('it ended', async () => (await page.locator('.slideshow').count()) === 0);
  assert.equal(await page.evaluate('document.activeElement.innerText'), 'Slideshow');
  assert.deepEqual(page.errors, []);
});

test('of those that are chosen, with those that come meanwhile and without those that go', async (t) => {
  const page = await photos(t, 'es-ES');
  for (const n of [0, 2]) {
    await page.locator('.grid li').nth(n).hover();
    await page.locator('.grid .pick').nth(n).click();
  }
  const chosen = await page.locator('.grid .picked [data-photo]').evaluateAll((links) => links.map((link) => link.dataset.photo));
  await page.getByRole('toolbar').getByRole('button', { name: 'Pase' }).click();
  assert.equal(await seen(page), chosen[0]);
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  assert.equal(await seen(page, chosen[0]), chosen[1]);
  const [came] = await brought(vitrina, browser, 1, 4);
  await until('it is next', async () => {
    const before = await seen(page);
    await page.keyboard.press('ArrowRight');
    return (await seen(page, before)) === came;
  });
  await fetch(`${vitrina.wall}api/photos/${came}`, { method: 'DELETE' });
  assert.ok(chosen.includes(await seen(page, came)), 'one that is deleted goes at once');
  assert.deepEqual(page.errors, []);
});
