// The room of photos with more photos than a test's gallery has.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { Album } from '../harness/album.mjs';
import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const MANY = 100_000;
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

let vitrina;
let browser;
const album = new Album(MANY, 800);

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start(['gallery'], { set: ['gallery.broker=mqtt://127.0.0.1:1'] });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function photos(size, hash = '#/photos') {
  const context = await browser.newContext({ viewport: SIZES[size], locale: 'en-GB' });
  await album.serve(context);
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}${hash}`);
  await page.evaluate(async () => void (await document.fonts.ready));
  return page;
}

/** The photos in view: `{id: top}` in pixels of the room, which a notice above it may move. */
const IN_VIEW = `(() => {
  const main = document.querySelector('main').getBoundingClientRect();
  const links = [...document.querySelectorAll('.grid a')].map((a) => [a.dataset.photo, a.getBoundingClientRect()]);
  const seen = links.filter(([, box]) => box.top > main.top + 80 && box.bottom < main.bottom);
  return Object.fromEntries(seen.map(([id, box]) => [id, box.top - main.top]));
})()`;

const inView = (page) => until('photos in view', async () => {
  const seen = await page.evaluate(IN_VIEW);
  return Object.keys(seen).length >= 3 && seen;
});

/** Scrolls by `by` pixels a frame and gives how far a photo in view ever moved by itself. */
const scrolls = (page, by, frames) => page.evaluate(`(async () => {
  const main = document.querySelector('main');
  let worst = 0;
  for (let i = 0; i < ${frames}; i++) {
    const seen = ${IN_VIEW};
    const top = (link) => link.getBoundingClientRect().top - main.getBoundingClientRect().top;
    main.scrollTop += ${by};
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const [id, before] of Object.entries(seen)) {
      const link = document.querySelector('[data-photo="' + id + '"]');
      if (link) worst = Math.max(worst, Math.abs(top(link) - (before - ${by})));
    }
  }
  return worst;
})()`);

for (const size of Object.keys(SIZES)) {
  test(`${MANY} photos scroll without a jump (${size})`, async () => {
    const page = await photos(size);
    await inView(page);
    const moved = await scrolls(page, 60, 60);
    assert.ok(moved < 2, `downwards nothing moves but by the scroll: ${moved} px`);
    for (const part of [0.5, 0.9]) {
      await page.evaluate((part) => {
        const main = document.querySelector('main');
        main.scrollTop = main.scrollHeight * part;
      }, part);
      await inView(page);
      const moved = await scrolls(page, -60, 60);
      assert.ok(moved < 2, `upwards, into days that were not loaded, neither: ${moved} px`);
    }
    const cells = await page.evaluate(() => document.querySelectorAll('.grid li').length);
    assert.ok(cells < 150, `only rows near the view are on the page: ${cells} photos`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    assert.deepEqual(page.errors, []);
    await page.context().close();
  });
}

test('the sentence chooses by keys, and the URL says the same', async () => {
  const page = await photos('desktop');
  await inView(page);
  const days = () => page.locator('.day .facts').first().innerText();
  const all = await days();
  await page.keyboard.press('/');
  await page.keyboard.type('stage');
  await page.keyboard.press('Enter');
  await until('the URL says it', () => page.url().endsWith('#/photos?camera=square/stage'));
  await page.getByRole('heading', { level: 1, name: /^Photos from Stage by everyone/ }).waitFor();
  await until('fewer photos', async () => (await days()) !== all);
  await page.goBack();
  await until('all photos again', async () => (await days()) === all);
  await page.context().close();
});

test('Enter opens the viewer, arrows lead on, Esc goes back to the photo looked at last', async () => {
  const page = await photos('desktop');
  await inView(page);
  await page.locator('.grid a').nth(4).focus();
  await page.keyboard.press('Enter');
  const count = page.locator('.viewer .count');
  await until('the fifth', async () => (await count.innerText()) === '5 of 100,000');
  for (const [key, place] of [['ArrowRight', '6'], ['ArrowRight', '7'], ['ArrowLeft', '6']]) {
    await until(`${key} leads to ${place}`, async () => {
      if ((await count.innerText()).startsWith(`${place} of`)) return true;
      await page.keyboard.press(key);
      return (await count.innerText()).startsWith(`${place} of`);
    }, { every: 600 });
  }
  assert.ok(page.url().includes(album.photos[5].id));
  await page.keyboard.press('Escape');
  await until('the focus is on it', () => page.evaluate(
    `document.activeElement.dataset.photo === ${JSON.stringify(album.photos[5].id)}`));
  await until('the viewer is gone', async () => (await page.locator('.viewer').count()) === 0);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('a link to a photo opens it wherever it is, and its neighbours are there', async () => {
  const page = await photos('phone', `#/photo/${album.photos[70_000].id}`);
  const count = page.locator('.viewer .count');
  await until('its place of all', async () => (await count.innerText()) === '70,001 of 100,000');
  await page.locator('.pswp--open').waitFor();
  await page.keyboard.press('ArrowRight');
  await until('the next', () => page.url().includes(album.photos[70_001].id));
  await page.context().close();
});

test('a photo that is opened as another one closes stays open', async () => {
  const page = await photos('desktop', `#/photo/${album.photos[1].id}`);
  const count = page.locator('.viewer .count');
  for (const [close, open] of [[2, 5], [5, 3], [3, 8]]) {
    await until(`photo ${close}`, async () => (await count.innerText()).startsWith(`${close} of`));
    await page.locator('.pswp--open').waitFor();
    // Both in one task, before anything is drawn or torn down.
    await page.evaluate((id) => {
      dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
      location.hash = `#/photo/${id}`;
    }, album.photos[open - 1].id);
    await until(`photo ${open}`, async () => (await count.innerText()).startsWith(`${open} of`));
    await until('the old one is gone', async () => (await page.locator('.viewer.closing').count()) === 0);
    assert.ok(page.url().endsWith(album.photos[open - 1].id), page.url());
  }
  await page.context().close();
});

test('End, Home and Page keys take the focus along, to where nothing was loaded too', async () => {
  const page = await photos('desktop');
  await inView(page);
  await page.locator('.grid a').first().focus();
  /** The place of the photo with the focus among all, once it is in view. */
  const focused = () => page.evaluate(() => {
    const link = document.activeElement.closest('.grid a');
    const { top, bottom } = link?.getBoundingClientRect() ?? {};
    return link && top > 50 && bottom <= innerHeight + 1 ? link.dataset.photo : null;
  });
  const place = async () => album.photos.findIndex(({ id }) => id === focused.last);
  const comes = (what, is) => until(what, async () => {
    focused.last = await focused();
    const at = await place();
    return at >= 0 && is(at);
  });
  await page.keyboard.press('PageDown');
  await comes('a screen further', (at) => at > 5 && at < 60);
  const further = await place();
  await page.keyboard.press('PageDown');
  await comes('and one more', (at) => at > further);
  await page.keyboard.press('PageUp');
  await comes('and back', (at) => Math.abs(at - further) < 8);
  await page.keyboard.press('End');
  await comes('the last of all', (at) => at === MANY - 1);
  await page.keyboard.press('PageUp');
  await comes('a screen before it', (at) => at < MANY - 4 && at > MANY - 60);
  await page.keyboard.press('PageDown');
  await comes('the end again', (at) => at > MANY - 12);
  await page.keyboard.press('Home');
  await comes('the first', (at) => at === 0);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the months tell where another year begins', async () => {
  const page = await photos('desktop');
  await inView(page);
  // Tall enough for all months.
  await page.setViewportSize({ width: 1280, height: 1800 });
  const marks = await until('all months', async () => {
    const marks = await page.locator('.months button').allInnerTexts();
    return marks.length > 25 && marks;
  });
  const months = marks.filter((mark) => /^[A-Z]/.test(mark));
  const years = months.map((mark) => /\d{4}$/.exec(mark)?.[0] ?? '');
  assert.ok(years.filter(Boolean).length >= 3, `${marks}`);
  for (const [i, mark] of months.entries()) {
    assert.equal(years[i] !== '', i === 0 || mark.startsWith('Dec'), `${marks}`);
  }
  await page.context().close();
});

test('the list of keys is found without a key, where there is a keyboard', async () => {
  const page = await photos('desktop');
  await page.getByRole('button', { name: 'Keys (?)' }).click();
  await page.getByRole('dialog', { name: 'Keys' }).getByText('First and last photo').waitFor();
  await page.context().close();
  const phone = await photos('phone');
  assert.equal(await phone.getByRole('button', { name: 'Keys (?)' }).count(), 0);
  await phone.context().close();
});
