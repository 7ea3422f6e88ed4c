// The sentence takes a word: what is typed, found, chosen and shown.

import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';

import { violations } from '../harness/axe.mjs';
import { brought } from '../harness/brought.mjs';
import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

let vitrina;
let browser;
let ids;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.test_card.show=never'] });
  ids = await brought(vitrina, browser, 6);
  await caption(ids[0], 'First HÁRvest from the patio');
  await caption(ids[1], 'First HÁRvest from the patio');
  await caption(ids[2], 'The harbour before the rain');
  await caption(ids[3], 'Lluvia');
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

const caption = (id, caption) =>
  fetch(new URL(`api/photos/${id}`, vitrina.wall), { method: 'PATCH', body: JSON.stringify({ caption }) });

async function photos(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  t.after(() => context.close());
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}#/photos`);
  await page.locator('.grid a').first().waitFor();
  return page;
}

const shown = (page, count) => until(`${count} are shown`, async () => (await page.locator('.grid a').count()) === count);
const field = (page) => page.getByRole('combobox', { name: 'A word in captions, cameras and people' });

test('a word is typed in place, and captions with it are offered with their counts', async (t) => {
  const page = await photos(t);
  await shown(page, 6);
  await page.getByRole('button', { name: 'any word' }).click();
  await page.keyboard.type('har');
  await shown(page, 3);
  await page.getByText('3 of 6 photos').waitFor();
  const options = page.locator('.found').getByRole('option');
  await options.first().waitFor();
  assert.deepEqual(await options.evaluateAll((all) => all.map((one) => [...one.children].map((part) => part.innerText))), [
    ['Caption', 'First HÁRvest from the patio', '2'],
    ['Caption', 'The harbour before the rain', '1'],
  ]);
  assert.deepEqual(await page.locator('.found mark').allInnerTexts(), ['HÁR', 'har']);
  assert.deepEqual(await violations(page), []);
  assert.equal(new URL(page.url()).hash, '#/photos?word=har');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await options.nth(1).getAttribute('aria-selected'), 'true');
  await page.keyboard.press('Enter');
  await shown(page, 1);
  await page.getByRole('button', { name: 'The harbour before the rain' }).waitFor();
  assert.equal(await options.count(), 0);
  await page.goBack();
  await shown(page, 6);
  await page.getByRole('button', { name: 'any word' }).waitFor();
  assert.deepEqual(page.errors, []);
});

test('Esc takes back what was typed, Enter keeps it, and an empty field means any word', async (t) => {
  const page = await photos(t);
  await page.getByRole('button', { name: 'any word' }).click();
  await page.keyboard.type('lluvia');
  await shown(page, 1);
  await page.keyboard.press('Escape');
  await shown(page, 6);
  await page.getByRole('button', { name: 'any word' }).click();
  await page.keyboard.type('LLÚVIA');
  await page.keyboard.press('Enter');
  await shown(page, 1);
  await until('the phrase has the focus', () => page.evaluate('document.activeElement.innerText === "LLÚVIA"'));
  await page.keyboard.press('Enter');
  await field(page).fill('nothing at all');
  await page.getByText('No such photos').waitFor();
  await field(page).fill('');
  await shown(page, 6);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'any word' }).waitFor();
  assert.deepEqual(page.errors, []);
});

test('photos that come, and captions that change, are judged by the gallery', async (t) => {
  const page = await photos(t);
  await page.goto(`${vitrina.wall}#/photos?word=moon`);
  await page.getByText('No such photos').waitFor();
  await caption(ids[4], 'The MOON');
  await shown(page, 1);
  await caption(ids[5], 'móon and sun');
  await shown(page, 2);
  await caption(ids[4], '');
  await shown(page, 1);
  const [more] = await brought(vitrina, browser, 1, 6);
  await page.getByText('1 of 7 photos').waitFor();
  await caption(more, 'Half moon');
  await shown(page, 2);
  for (const id of [ids[5], more]) await caption(id, '');
  await page.getByText('No such photos').waitFor();
  assert.deepEqual(page.errors, []);
});

test('odd words are only words', async (t) => {
  const page = await photos(t);
  for (const word of ['%', '_', '\'; DROP TABLE photos; --', '" OR 1=1', '<b>', '\u0000', '?&#=', '🌈', 'x'.repeat(500)]) {
    await page.goto(`${vitrina.wall}#/photos?word=${encodeURIComponent(word)}`);
    if (word === '\u0000') continue;
    await page.getByText('No such photos').waitFor();
    const answer = await fetch(new URL(`api/photos?word=${encodeURIComponent(word)}`, vitrina.wall));
    assert.deepEqual([answer.status, await answer.json()], [200, []], word);
  }
  const long = await fetch(new URL(`api/photos?word=${'x'.repeat(501)}`, vitrina.wall));
  assert.equal(long.status, 400);
  assert.match((await long.json()).error, /501 characters/);
  const page1 = await fetch(new URL('api/photos?word=first%20h%C3%A1r&limit=1', vitrina.wall));
  const next = /<([^>]+)>/.exec(page1.headers.get('link'))[1];
  const [{ id }] = await (await fetch(new URL(next, vitrina.wall))).json();
  assert.ok(ids.slice(0, 2).includes(id), 'the next page is of the same words');
  assert.deepEqual(page.errors, []);
});

test('on a phone in Spanish a suggestion is taken by a tap', async (t) => {
  const page = await photos(t, { viewport: { width: 390, height: 844 }, locale: 'es-ES', hasTouch: true, isMobile: true });
  await page.getByRole('button', { name: 'cualquier palabra' }).tap();
  await page.keyboard.type('patio');
  await page.getByText('2 de 6 fotos').or(page.getByText('2 de 7 fotos')).waitFor();
  assert.deepEqual(await violations(page), []);
  const { right } = await page.locator('.found').evaluate((found) => found.getBoundingClientRect().toJSON());
  assert.ok(right <= 390, `${right}`);
  await page.locator('.found').getByRole('option').first().tap();
  await page.getByRole('button', { name: 'First HÁRvest from the patio' }).waitFor();
  await shown(page, 2);
  assert.deepEqual(page.errors, []);
});
