// The wall of one machine without cameras, in Chromium.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { RawChromium } from '../harness/cdp.mjs';
import { Subscriber } from '../harness/mosquitto.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { READ_TILES, changes, live, pixels, pixelsOf, tiles } from '../harness/wall.mjs';

let vitrina;
let browser;
let page;
let card;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here'] });
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

test('a machine without cameras shows its test card, live within seconds', async () => {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(vitrina.wall);
  card = await until('a tile', async () => Object.keys(await tiles(page))[0]);
  assert.match(card, /^here\//);
  await live(page, card, { limit: 5000 });
  assert.equal(Object.keys(await tiles(page)).length, 1);
  assert.deepEqual(errors, []);
});

test('its picture really changes', async () => {
  await changes(page, card, 10);
});

test('its age stays small', async () => {
  const ages = [];
  await until('20 ages', async () => ages.push((await tiles(page))[card].age) >= 20);
  assert.ok(ages.every((age) => age >= 0), `${ages}`);
  ages.sort((a, b) => a - b);
  assert.ok(ages[10] < 1000, `half of the ages are below a second: ${ages}`);
});

test('Enter enlarges, Esc goes back to the focus', async () => {
  const opened = `document.querySelectorAll('[data-camera="${card}"] canvas').length + ' ' + location.href`;
  const before = await page.evaluate(opened);
  const button = page.locator(`[data-camera="${card}"] button`).first();
  for (const open of [() => button.press('Enter'), () => button.click()]) {
    await button.focus();
    await open();
    await until('it is enlarged', async () => (await page.evaluate(opened)) !== before || page.getByRole('dialog').isVisible());
    await page.keyboard.press('Escape');
    await until('the focus is on its tile', () => page.evaluate(
      `document.activeElement.closest('[data-camera]')?.dataset.camera === ${JSON.stringify(card)}`));
    await until('the wall is back', async () => (await page.evaluate(opened)) === before && !(await page.getByRole('dialog').isVisible()));
  }
  await live(page, card);
});

test('a stream that is stopped is not shown as live', async () => {
  const seen = await pixels(page, card);
  vitrina.signal('SIGSTOP');
  try {
    await until('the tile tells its age', async () => (await tiles(page))[card].age > 3000, { limit: 15_000 });
    assert.notEqual((await tiles(page))[card].state, 'live');
  } finally {
    vitrina.signal('SIGCONT');
  }
  await live(page, card, { limit: 15_000 });
  await until('a new picture', async () => (await pixels(page, card)) !== seen);
});

test('a hidden page wants nothing, and goes on when it is shown', async () => {
  const facts = new Subscriber(vitrina.port, ['vitrina/#']);
  const state = `vitrina/${card}/state`;
  await facts.fact(state, ({ state }) => state === 'live');
  await page.goto('about:blank');
  await facts.fact(state, ({ state }) => state === 'idle', { limit: 30_000 });
  const raw = new RawChromium();
  try {
    const wall = await raw.open(vitrina.wall);
    await wall.show();
    await facts.fact(state, ({ state }) => state === 'live', { limit: 20_000 });
    const other = await raw.open('about:blank');
    await other.show();
    assert.equal(await wall.evaluate('document.visibilityState'), 'hidden');
    // The first drawing after its return neither looks live nor fades from live.
    await until('what it shows is old', async () => (await wall.evaluate(READ_TILES))[card].state === 'stale', { limit: 1000 });
    const fading = `getComputedStyle(document.querySelector('[data-camera="${card}"] canvas')).transitionDuration`;
    assert.equal(await wall.evaluate(fading), '0s');
    await facts.fact(state, ({ state }) => state === 'idle', { limit: 30_000 });

    await wall.show();
    await facts.fact(state, ({ state }) => state === 'live', { limit: 15_000 });
    await until('live again', async () => {
      const tile = (await wall.evaluate(READ_TILES))[card];
      return tile.state === 'live' && tile.age < 2000;
    });
    const seen = new Set();
    await until('the picture changes', async () => seen.add(await wall.evaluate(pixelsOf(card))).size > 3);
  } finally {
    await raw.stop();
    await facts.stop();
  }
});

/** From when the page is shown again, how its tile looks on each drawn frame until it is live: `window.seen`. */
const RECORD = `addEventListener('pageshow', ({ persisted }) => {
  const canvas = document.querySelector('.tile canvas');
  const look = () => {
    const { state, ageMs } = canvas.closest('.tile').dataset;
    const { filter } = getComputedStyle(canvas);
    window.seen.push({ persisted, state, filter, age: Number(ageMs), word: canvas.closest('.tile').querySelector('.age')?.innerText });
    if (state !== 'live') requestAnimationFrame(look);
  };
  window.seen = [];
  look();
})`;

test("a page that comes back from the browser's cache looks old until a new picture is there", async () => {
  const raw = new RawChromium();
  try {
    const wall = await raw.open(vitrina.wall);
    await wall.show();
    await until('live', async () => (await wall.evaluate(READ_TILES))[card]?.state === 'live', { limit: 20_000 });
    await wall.evaluate(RECORD);
    await wall.go(`${vitrina.wall}api/cameras`);
    await until('it is elsewhere', async () => (await wall.evaluate('location.pathname')) === '/api/cameras');
    await until('the picture is old', async () => (await wall.evaluate('performance.now()')) > 3_000);
    await wall.back();
    const seen = await until('live again', async () => {
      const seen = await wall.evaluate('window.seen ?? "loaded anew"');
      if (seen.at(-1)?.state === 'live') return seen;
      throw new Error(JSON.stringify(seen));
    }, { limit: 15_000 });
    assert.ok(seen[0].persisted, 'it was kept');
    const old = seen.slice(0, -1);
    assert.ok(old.length > 0, 'it was old first');
    for (const { state, filter, word } of old) {
      assert.equal(state, 'stale');
      // At once, not on the way there.
      assert.equal(filter, 'saturate(0.15) brightness(0.6)');
      assert.match(word, /^\d+ s ago$/);
    }
    assert.ok(seen.at(-1).age < 2_000, `${seen.at(-1).age} ms old`);
    const drawn = new Set();
    await until('the picture changes', async () => drawn.add(await wall.evaluate(pixelsOf(card))).size > 3);
  } finally {
    await raw.stop();
  }
});
