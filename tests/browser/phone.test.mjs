// The page in one hand: 390 by 844 pixels, and only fingers.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { Fingers } from '../harness/fingers.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { changes, live } from '../harness/wall.mjs';

const SOON = { limit: 30_000 };
const COUNT = 3;

let vitrina;
let browser;
let page;
let fingers;
let cameras;
const errors = [];

before(async () => {
  const names = Array.from({ length: COUNT }, (_, n) => `{name="rig-test-camera-rig000${n}", width=1280, height=720, fps=5}`);
  vitrina = await Vitrina.start([], { set: ['node.name=here', `node.camera=[${names}]`], env: new Cameras(COUNT).env });
  browser = await launch();
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, locale: 'en-GB',
  });
  page = await context.newPage();
  page.on('pageerror', ({ message }) => errors.push(message));
  fingers = await Fingers.on(page);
  await page.goto(vitrina.wall);
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

const one = (selector) => page.locator(selector).first();
const evaluate = (expression) => page.evaluate(expression);
const shown = () => decodeURIComponent(page.url().split('#')[1] ?? '/');
const stage = () => one('.stage');
/** How many times wider than the stage its picture is. */
const zoom = () => evaluate(`(() => {
  const width = (selector) => document.querySelector(selector).getBoundingClientRect().width;
  return width('.stage canvas') / width('.stage');
})()`);

test('the whole house is in view, live, and nothing is to be scrolled sideways', async () => {
  cameras = await until('all tiles', async () => {
    const all = await evaluate("[...document.querySelectorAll('.wall .tile')].map((tile) => tile.dataset.camera)");
    return all.length === COUNT && all;
  }, SOON);
  for (const camera of cameras) await live(page, camera, SOON);
  assert.ok(await evaluate(`[...document.querySelectorAll('.wall .tile')].every((tile) => {
    const { left, top, right, bottom } = tile.getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
  })`));
  assert.equal(await evaluate('document.documentElement.scrollWidth'), 390);
});

test('a tap shows a camera large, a swipe the next, and it stays live', async () => {
  await fingers.tap(one(`[data-camera="${cameras[0]}"] .open`));
  await stage().waitFor();
  assert.equal(shown(), `/camera/${cameras[0]}`);
  await until('it is drawn', () => evaluate("document.querySelector('.stage .tile').dataset.state === 'live'"), SOON);
  await fingers.swipe(stage(), -220, 0);
  await until('the next one', () => shown() === `/camera/${cameras[1]}`);
  await until('it is drawn', () => evaluate("document.querySelector('.stage .tile').dataset.state === 'live'"), SOON);
  await fingers.swipe(stage(), 220, 0);
  await until('the one before', () => shown() === `/camera/${cameras[0]}`);
});

test('a pinch zooms it, a swipe then moves the picture, and a pinch leads back', async () => {
  await until('it is there', async () => Math.abs((await zoom()) - 1) < 0.01);
  await fingers.pinch(stage(), 80, 240);
  await until('it is larger', async () => (await zoom()) > 1.8);
  await fingers.swipe(stage(), -100, 0);
  assert.equal(shown(), `/camera/${cameras[0]}`, 'a finger moves the zoomed picture');
  await fingers.pinch(stage(), 240, 40);
  await until('it is whole', async () => Math.abs((await zoom()) - 1) < 0.01);
});

test('a tap right after a swipe is heard', async () => {
  // On a page that has only `touch-action: none` and no script, Chromium gives no click for it.
  for (const [dx, dy] of [[0, 220], [-220, 0]]) {
    await page.goto(`${vitrina.wall}#/camera/${cameras[0]}`);
    await one('.stage canvas').waitFor();
    await fingers.swipe(stage(), dx, dy);
    await fingers.tap(page.getByRole('link', { name: 'Photos' }));
    await until('the photos', () => shown() === '/photos');
  }
  await page.goto(`${vitrina.wall}#/camera/${cameras[0]}`);
  await until('it is drawn', () => evaluate("document.querySelector('.stage .tile').dataset.state === 'live'"), SOON);
});

test('two photos are taken with the thumb, and a swipe down leads back to the wall', async () => {
  for (const count of [1, 2]) {
    await fingers.tap(one('.head .shutter'));
    await until('it is stored', async () => (await (await fetch(`${vitrina.wall}api/photos`)).json()).length === count, SOON);
  }
  await fingers.swipe(stage(), 0, 220);
  await one('.wall').waitFor();
  await until('both are in the strip', async () => (await page.locator('.strip [data-photo]:not(.coming) a').count()) === 2, SOON);
  await changes(page, cameras[0], 3, SOON);
});

test('a photo opens from the strip; swipes lead to the next and close it', async () => {
  const [newest, older] = await evaluate("[...document.querySelectorAll('.strip [data-photo]')].map((at) => at.dataset.photo)");
  // A tile that still travels changes its place.
  await until('the strip rests', () => evaluate("document.querySelector('.strip').getAnimations({ subtree: true }).length === 0"));
  await fingers.tap(one('.strip a'));
  await one('.viewer').waitFor();
  await until('its place is known', () => evaluate("document.querySelector('.viewer .count').innerText === '1 of 2'"), SOON);
  const picture = one('.viewer .pic');
  // A picture that still opens or slides ignores a swipe, so this tries again.
  const swipe = (dx, dy, what, seen) => until(what, async () => {
    if (await seen()) return true;
    await fingers.swipe(picture, dx, dy);
    return false;
  }, { ...SOON, every: 700 });
  await swipe(-240, 0, 'the other', () => shown().startsWith(`/photo/${older}`));
  await swipe(240, 0, 'the first', () => shown().startsWith(`/photo/${newest}`));
  await swipe(0, 260, 'it is closed', async () => (await page.locator('.viewer').count()) === 0);
  assert.equal(shown(), '/');
});

test('in People one says something, with the field above the bar', async () => {
  await fingers.tap(page.getByRole('link', { name: 'People' }));
  await until('the room', () => shown() === '/people');
  const field = page.getByRole('textbox', { name: 'Message to everyone' });
  await fingers.tap(field);
  await until('it has the focus', () => evaluate("document.activeElement.matches('.say textarea')"));
  await page.keyboard.type('with my thumb');
  await fingers.tap(page.getByRole('button', { name: 'Send' }));
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('Ana');
  await fingers.tap(page.getByRole('button', { name: 'Join' }));
  await until('it is said', async () => /Ana[^]*with my thumb/.test(await page.getByRole('log').innerText()));
  const place = await one('.say').boundingBox();
  const bar = await one('.bar').boundingBox();
  assert.ok(place.y + place.height <= bar.y + 1, `${JSON.stringify(place)} above ${JSON.stringify(bar)}`);
});

test('among the photos one is opened and left by taps', async () => {
  await fingers.tap(page.getByRole('link', { name: 'Photos' }));
  await fingers.tap(one('.grid a'));
  await one('.viewer .pswp__img').waitFor();
  await fingers.tap(page.getByRole('button', { name: /^Back to photos/ }));
  await until('it is closed', async () => (await page.locator('.viewer').count()) === 0, SOON);
  assert.deepEqual(errors, []);
});
