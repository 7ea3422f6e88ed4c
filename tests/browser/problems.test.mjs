// What the gallery refuses is said in the reader's language; what the page does not know, as the
// gallery says it.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, tiles } from '../harness/wall.mjs';

let vitrina;
let browser;

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=always'] });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function open(t, locale) {
  const context = await browser.newContext({ locale, reducedMotion: 'reduce', viewport: { width: 1280, height: 800 } });
  t.after(() => context.close());
  const page = await newPage(context);
  await page.goto(vitrina.wall);
  const camera = await until('a tile', async () => Object.keys(await tiles(page))[0]);
  await live(page, camera);
  return { page, camera };
}

const told = (page, words) => page.locator('.toast.bad small', { hasText: words }).waitFor();

for (const [locale, words] of [['de-DE', 'Dieses Foto wurde gelöscht.'], ['en-GB', 'This photo was deleted.']]) {
  test(`in ${locale} a photo that somebody else deleted is said to be`, async (t) => {
    const { page, camera } = await open(t, locale);
    const { id } = await (await fetch(`${vitrina.wall}api/cameras/${camera}/snap`, { method: 'POST' })).json();
    await page.goto(`${vitrina.wall}#/photo/${id}`);
    await page.locator('.viewer .pswp__img').first().waitFor();
    // The page does not hear of it in time.
    await page.route(`**/api/photos/${id}`, async (route) => {
      if (route.request().method() === 'PATCH') await fetch(`${vitrina.wall}api/photos/${id}`, { method: 'DELETE' });
      await route.continue();
    });
    await page.keyboard.press('p');
    await told(page, words);
  });
}

test('a problem of a later gallery is said in its own words, and a known one in the language that is chosen', async (t) => {
  const { page, camera } = await open(t, 'fr-FR');
  let answer;
  await page.route('**/snap', (route) => route.fulfill({ status: answer.code === 'node-disk-full' ? 507 : 503, json: answer }));
  const snap = async (says) => {
    answer = says;
    await page.locator(`.tile[data-camera="${camera}"]`).hover();
    await page.keyboard.press('s');
  };
  await snap({ code: 'node-disk-full', error: 'no space left', hint: '' });
  await told(page, 'Le disque de la caméra est plein.');
  await snap({ code: 'moon-too-bright', error: 'the moon is too bright', hint: '' });
  await told(page, 'The moon is too bright.');
  await snap({ error: 'a gallery of before', hint: '' });
  await told(page, 'A gallery of before.');
  assert.deepEqual(page.errors, []);
});
