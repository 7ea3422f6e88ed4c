// The key `i`: what each tile gets, and the parts of its pictures' age.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { Painted, paint } from '../harness/painted.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, watch } from '../harness/wall.mjs';

const PARTS = ['capture', 'node', 'broker', 'gallery', 'network', 'draw'];

let vitrina;
let browser;
let page;
let card;

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here'] });
  browser = await launch();
  ({ page, camera: card } = await watch(browser, vitrina.wall));
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

/** What is shown: the words above, and each part as `[name, text]`. */
const shown = () => page.evaluate(() => {
  const parts = [...document.querySelectorAll('.parts [data-part]')];
  return {
    head: document.querySelector('.parts b')?.textContent,
    parts: Object.fromEntries(parts.map((part) => [part.dataset.part, part.querySelector('dd').textContent])),
    names: parts.map((part) => part.querySelector('dt').textContent),
  };
});

test('nothing is shown before it is asked for', async () => {
  assert.equal(await page.locator('.parts').count(), 0);
});

test('i shows rate and age, and each part of it in ms', async () => {
  await page.keyboard.press('i');
  const { head, parts } = await until('all parts are known', async () => {
    const now = await shown();
    const known = PARTS.every((part) => /^\d+\.\d ms$/.test(now.parts[part] ?? ''));
    if (known && /^[1-9]\d* a second, \d+ ms old$/.test(now.head)) return now;
    throw new Error(JSON.stringify(now));
  }, { limit: 20_000 });
  const sum = PARTS.reduce((ms, part) => ms + parseFloat(parts[part]), 0);
  assert.ok(Math.abs(parseInt(head.split(', ')[1]) - sum) <= 1, `${head}: ${JSON.stringify(parts)}`);
});

test('it goes along when the camera is enlarged', async () => {
  await page.locator(`[data-camera="${card}"] button`).first().click();
  await page.locator('.stage .parts [data-part=draw]').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.wall .parts [data-part=draw]').waitFor();
});

test('it speaks Spanish, too', async () => {
  await page.getByLabel('Language').selectOption('es');
  const { names, head } = await until('Spanish words', async () => {
    const now = await shown();
    return now.names.length === 6 && /por segundo/.test(now.head) && now;
  });
  assert.deepEqual(names, ['Captura', 'Nodo', 'Bróker', 'Galería', 'Red', 'Dibujo']);
  assert.match(head, /hace \d+ ms/);
  await page.getByLabel('Idioma').selectOption('en');
});

test('a connection that is made anew goes on measuring', async () => {
  await vitrina.kill();
  await until('the page sees it', async () => (await page.locator('.lost-line').count()) > 0, { limit: 20_000 });
  await vitrina.again();
  await live(page, card, { limit: 30_000 });
  await until('parts', async () => /^[1-9]/.test((await shown()).head ?? ''), { limit: 20_000 });
});

test('i again, and it is gone', async () => {
  await page.keyboard.press('i');
  await until('nothing is shown', async () => (await page.locator('.parts').count()) === 0);
});

/** What of the overlay cannot be read in the tiles in view: cut off, over the name, small or on the bare picture. */
const UNREADABLE = `[...document.querySelectorAll('.wall .tile, .film .tile')].flatMap((tile) => {
  const box = tile.getBoundingClientRect();
  const parts = tile.querySelector('.parts');
  const words = [...parts?.querySelectorAll('b, .brief') ?? []].find((at) => at.getClientRects().length > 0 && getComputedStyle(at).clipPath === 'none');
  if (box.right > innerWidth || box.left < 0) return [];
  if (!words) return [tile.dataset.camera + ': nothing'];
  const at = words.getBoundingClientRect();
  const name = tile.querySelector('.plate .name').getBoundingClientRect();
  const wrong = {
    'cut off': at.left < box.left || at.right > box.right || at.top < box.top || [...words.children].some((span) => span.getBoundingClientRect().right > box.right),
    'over the name': at.bottom > name.top,
    small: parseFloat(getComputedStyle(words).fontSize) < 13,
    bare: (({ backgroundImage, backgroundColor }) => backgroundImage === 'none' && backgroundColor === 'rgba(0, 0, 0, 0)')(getComputedStyle(parts)) || parts.getBoundingClientRect().bottom < at.bottom,
  };
  return Object.keys(wrong).filter((what) => wrong[what]).map((what) => tile.dataset.camera + ': ' + what);
})`;

for (const [width, height] of [[1280, 800], [390, 844]]) {
  test(`it can be read in small tiles and in the film strip, at ${width} by ${height}`, async () => {
    const many = await Painted.start(vitrina.ready.broker, 'many');
    const context = await browser.newContext({ viewport: { width, height }, locale: 'es-ES' });
    const small = await context.newPage();
    try {
      const [pictures, upright] = await paint(browser, [[320, 180], [180, 320]]);
      for (let i = 0; i < 20; i++) many.add(`cam${i}`, i === 7 ? upright : pictures, { size: i === 7 ? '180x320' : '320x180' });
      await small.goto(vitrina.wall);
      const count = () => small.locator('.wall .tile[data-state=live]').count();
      await until('all are live', async () => (await count()) === 21, { limit: 30_000 });
      await small.keyboard.press('i');
      const all = async () => {
        const unreadable = await small.evaluate(UNREADABLE);
        if (unreadable.length > 0) throw new Error(unreadable.join(', '));
        return true;
      };
      await until('all of it can be read on the wall', all, { limit: 20_000 });
      await small.locator('[data-camera="many/cam7"] .open').click();
      await small.locator('.film .parts b').first().waitFor();
      await until('all of it can be read in the strip', all, { limit: 20_000 });
    } finally {
      await context.close();
      for (let i = 0; i < 20; i++) many.remove(`cam${i}`);
      await many.stop();
    }
  });
}
