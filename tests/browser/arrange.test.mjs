// The wall is mine: its order, what is hidden, what is large and the layout, by mouse, fingers and
// keys, kept here and in the address.

import { after, afterEach, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import mqtt from 'mqtt';

import { violations } from '../harness/axe.mjs';
import { launch } from '../harness/chromium.mjs';
import { Fingers } from '../harness/fingers.mjs';
import { newPage } from '../harness/page.mjs';
import { Painted, paint } from '../harness/painted.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { tiles } from '../harness/wall.mjs';

const SIZES = [[640, 360], [640, 480], [640, 360], [360, 640], [640, 360], [640, 360]];
const NAMES = SIZES.map((_, i) => `cam${i}`);
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const SOON = { limit: 20_000 };

let vitrina;
let node;
let browser;
let pictures;
let client;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=never'] });
  node = await Painted.start(vitrina.ready.broker, 'house');
  pictures = await paint(browser, SIZES);
  for (const [i, [width, height]] of SIZES.entries()) node.add(NAMES[i], pictures[i], { size: `${width}x${height}`, name: `Camera ${i}` });
});

after(async () => {
  await client?.endAsync(true);
  await browser?.close();
  await node?.stop();
  await vitrina?.stop();
});

/** A browser of its own, in which nothing is kept yet. */
async function open(viewport = DESK, search = '', more = {}) {
  const context = await browser.newContext({ viewport, locale: 'en-GB', ...more });
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}${search}`);
  return page;
}

/** The cameras of the wall in its order, without their node. */
const order = (page) => page.evaluate(() =>
  [...document.querySelectorAll('.wall .tile')].map(({ dataset }) => dataset.camera.replace('house/', '')));

const shows = (page, wanted, what = 'the wall shows') => until(`${what} ${wanted}`, async () => {
  const seen = await order(page);
  if (seen.join() === wanted.join()) return true;
  throw new Error(seen.join());
}, SOON);

/** Whatever a test left open asks for pictures. */
afterEach(() => Promise.all((browser?.contexts() ?? []).map((context) => context.close())));

/** Where the tiles are once none travels: `{cam0: {x, y, width, height}}`. */
async function places(page) {
  const read = () => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.wall .tile')].map((tile) => {
    const { x, y, width, height } = tile.getBoundingClientRect();
    return [tile.dataset.camera.replace('house/', ''), { x, y, width, height }];
  })));
  let last;
  return until('the tiles stand still', async () => {
    const now = JSON.stringify(await read());
    if (now === last) return JSON.parse(now);
    last = now;
    throw new Error(now);
  }, { ...SOON, every: 150 });
}

const middle = ({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 });
const tile = (page, name) => page.locator(`.wall .tile[data-camera="house/${name}"]`);
const bar = (page) => page.getByRole('toolbar', { name: 'Arrange the wall' });
const search = (page) => page.evaluate('location.search');
const done = (page) => bar(page).getByRole('button', { name: 'Done' }).click();

const moved = (name, place, all = NAMES) => {
  const rest = all.filter((other) => other !== name);
  return [...rest.slice(0, place), name, ...rest.slice(place)];
};

/** Drags one tile to the left or right half of another. */
async function drag(page, from, to, part = 0.2) {
  const at = await places(page);
  const start = middle(at[from]);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  const { x, y, width, height } = at[to];
  await page.mouse.move(start.x + 12, start.y + 5, { steps: 3 });
  await page.mouse.move(x + width * part, y + height / 2, { steps: 6 });
}

test('a tile is dragged to another place, which stays in this browser and in a link', async () => {
  const page = await open();
  await shows(page, NAMES);
  const before = await places(page);
  await drag(page, 'cam4', 'cam1');
  await page.locator('.wall .slot').waitFor();
  await page.locator('.wall .hole').waitFor();
  assert.deepEqual(await order(page), NAMES, 'nothing moves before it is let go');
  const held = await places(page);
  for (const name of NAMES.filter((name) => name !== 'cam4')) assert.deepEqual(held[name], before[name], name);
  await page.mouse.up();
  const wanted = moved('cam4', 1);
  await shows(page, wanted);
  await until('it is said', async () => (await bar(page).getByRole('status').textContent()) === 'Camera 4: place 2 of 6');
  await done(page);
  await bar(page).waitFor({ state: 'detached' });
  await until('the focus is at the way back to it', () => page.evaluate('document.activeElement.textContent === "Arrange"'));
  assert.equal(new URL(page.url()).hash, '', 'no camera was opened');
  const link = page.url();
  assert.match(link, /\?order=house\/cam0,house\/cam4,/);

  await page.reload();
  await shows(page, wanted, 'after a reload');
  await page.goto(vitrina.wall);
  await shows(page, wanted, 'without the link, in this browser,');
  assert.equal(page.url(), link, 'the address says it again');
  const other = await open(DESK, new URL(link).search);
  await shows(other, wanted, 'in another browser the link');
  await other.goto(vitrina.wall);
  await shows(other, NAMES, 'a link that was only looked at is not kept:');
  await other.goto(`${vitrina.wall}wall${new URL(link).search}`);
  await shows(other, wanted, 'a screen shows');
  // What the wall does not change it does not lose.
  await page.getByRole('link', { name: 'Photos' }).click();
  await page.goBack();
  await shows(page, wanted);
  assert.deepEqual(page.errors, []);
});

test('Esc puts back what is held, then undoes everything', async () => {
  const page = await open();
  await shows(page, NAMES);
  await drag(page, 'cam0', 'cam5', 0.8);
  await page.keyboard.press('Escape');
  await page.locator('.wall .slot').waitFor({ state: 'detached' });
  await page.mouse.up();
  assert.deepEqual(await order(page), NAMES);
  await drag(page, 'cam0', 'cam5', 0.8);
  await page.mouse.up();
  await shows(page, moved('cam0', 5));
  await page.keyboard.press('Escape');
  await bar(page).waitFor({ state: 'detached' });
  await shows(page, NAMES);
  assert.equal(await search(page), '');
  assert.deepEqual(page.errors, []);
});

test('by keys: O arranges, Shift and arrows move, H hides, B makes large, Enter ends', async () => {
  const page = await open();
  await shows(page, NAMES);
  const before = await places(page);
  await page.keyboard.press('o');
  await bar(page).waitFor();
  assert.deepEqual(await places(page), before, 'no tile moves for the bar');
  assert.deepEqual(await violations(page), []);
  await tile(page, 'cam1').locator('.open').focus();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  await shows(page, moved('cam1', 3));
  assert.equal(await page.evaluate('document.activeElement.closest(".tile").dataset.camera'), 'house/cam1', 'the focus goes with it');
  assert.match(await tile(page, 'cam1').locator('.open').getAttribute('aria-label'), /Place 4 of 6$/);
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  await shows(page, moved('cam1', 5));
  const low = await places(page);
  await page.keyboard.press('Shift+ArrowUp');
  await until('it went up', async () => (await order(page)).indexOf('cam1') < 5);
  assert.ok((await places(page)).cam1.y < low.cam1.y);
  await page.keyboard.press('ArrowRight');
  const at = await page.evaluate('document.activeElement.closest(".tile").dataset.camera');
  assert.notEqual(at, 'house/cam1', 'without Shift the focus moves');
  await page.keyboard.press('h');
  await until('one is hidden', async () => (await order(page)).length === 5);
  assert.ok(await page.evaluate('document.activeElement.matches(".tile .open")'), 'the focus stays on the wall');
  await page.keyboard.press('b');
  await until('one is large', async () => /layout=large&large=house/.test(await search(page)));
  const { layout, largest } = await page.evaluate(() => {
    const area = (tile) => tile.offsetWidth * tile.offsetHeight;
    const all = [...document.querySelectorAll('.wall .tile')].sort((a, b) => area(b) - area(a));
    return { layout: document.querySelector('[role=radio][aria-checked=true]').textContent, largest: all[0].dataset.camera };
  });
  assert.equal(layout, 'One large');
  assert.match(await search(page), new RegExp(`large=${largest}`));
  await page.keyboard.press('Enter');
  await bar(page).waitFor({ state: 'detached' });
  assert.deepEqual(page.errors, []);
});

test('a hidden camera is said, asks for no pictures, and comes back', async () => {
  const page = await open();
  await shows(page, NAMES);
  client = await mqtt.connectAsync(vitrina.ready.broker);
  const wants = new Map();
  client.on('message', (topic, text) => wants.set(topic.split('/')[2], JSON.parse(text)));
  await client.subscribeAsync('vitrina/house/+/want');
  const wanted = (name) => (wants.get(name)?.full ?? 0) + (wants.get(name)?.half ?? 0) + (wants.get(name)?.quarter ?? 0) > 0;
  await until('all are wanted', () => NAMES.every(wanted), SOON);
  await page.getByRole('button', { name: 'Arrange', exact: true }).click();
  await page.getByRole('button', { name: 'Hide: Camera 2' }).click();
  await page.getByRole('button', { name: 'Hide: Camera 5' }).click();
  await shows(page, ['cam0', 'cam1', 'cam3', 'cam4']);
  await until('the hidden ones are wanted no more', () => !wanted('cam2') && !wanted('cam5'), SOON);
  assert.ok(wanted('cam0'));
  await done(page);
  await page.reload();
  await shows(page, ['cam0', 'cam1', 'cam3', 'cam4'], 'after a reload');
  // One that comes stays hidden, and so does one that goes and returns.
  node.remove('cam5');
  node.add('cam6', pictures[0], { size: '640x360' });
  await shows(page, ['cam0', 'cam1', 'cam3', 'cam4', 'cam6']);
  node.add('cam5', pictures[5], { size: '640x360', name: 'Camera 5' });
  node.remove('cam6');
  await shows(page, ['cam0', 'cam1', 'cam3', 'cam4']);
  wants.clear();

  await page.getByRole('button', { name: '2 hidden here' }).click();
  await bar(page).getByRole('group', { name: '2 hidden here' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await bar(page).getByRole('button', { name: 'Camera 2 Show' }).click();
  await shows(page, ['cam0', 'cam1', 'cam2', 'cam3', 'cam4']);
  await bar(page).getByRole('button', { name: '1 hidden here' }).waitFor();
  await bar(page).getByRole('button', { name: 'Camera 5 Show' }).click();
  await shows(page, NAMES);
  assert.equal(await search(page), '');
  // All of them, which says so and has a way back.
  for (const name of NAMES) await page.getByRole('button', { name: `Hide: Camera ${name.at(-1)}` }).click();
  await page.getByRole('heading', { name: 'All cameras are hidden here' }).waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await shows(page, NAMES);
  assert.deepEqual(page.errors, []);
});

test('a layout with fewer places has pages: by button, keys and swipe', async () => {
  const page = await open(PHONE, '?layout=2x2', { hasTouch: true, isMobile: true });
  await shows(page, NAMES.slice(0, 4));
  const pager = page.getByRole('group', { name: 'Cameras' });
  assert.equal(await pager.getByRole('status').textContent(), '1–4 of 6');
  const fingers = await Fingers.on(page);
  await fingers.swipe(page.locator('.wall'), -160, 0);
  await shows(page, NAMES.slice(4));
  assert.equal(await pager.getByRole('status').textContent(), '5–6 of 6');
  assert.equal(new URL(page.url()).hash, '', 'no camera was opened');
  await until('only those in view are drawn', async () => Object.keys(await tiles(page)).length === 2);
  await fingers.swipe(page.locator('.wall'), 160, 0);
  await shows(page, NAMES.slice(0, 4));
  await pager.getByRole('button', { name: /after these/ }).click();
  await shows(page, NAMES.slice(4));
  await page.keyboard.press('PageUp');
  await shows(page, NAMES.slice(0, 4));
  await page.keyboard.press('PageDown');
  await shows(page, NAMES.slice(4));
  assert.deepEqual(await violations(page), []);
  // One that is moved beyond the page takes the page along.
  await page.keyboard.press('o');
  await tile(page, 'cam4').locator('.open').focus();
  await page.keyboard.press('Shift+ArrowLeft');
  await shows(page, ['cam0', 'cam1', 'cam2', 'cam4']);
  await page.keyboard.press('Escape');
  // The way back from a large picture leads to its page.
  await shows(page, NAMES.slice(0, 4));
  await page.evaluate("location.hash = '#/camera/house/cam5'");
  await page.locator('.one').waitFor();
  await page.keyboard.press('Escape');
  await shows(page, NAMES.slice(4));
  assert.deepEqual(page.errors, []);
});

test('a finger that stays lifts a tile, on a phone', async () => {
  const page = await open(PHONE, '', { hasTouch: true, isMobile: true });
  await shows(page, NAMES);
  const fingers = await Fingers.on(page);
  const at = await places(page);
  // Without staying it only opens or scrolls.
  await fingers.swipe(tile(page, 'cam2'), 0, -60);
  assert.equal(await bar(page).count(), 0);
  const { x, y, width, height } = at.cam0;
  await fingers.carry(tile(page, 'cam5'), { x: x + width * 0.2, y: y + height * 0.2 }, () => page.locator('.tile.held').waitFor());
  await shows(page, moved('cam5', 0));
  // Held and let go where it was, even a small tile offers everything.
  await fingers.carry(tile(page, 'cam2'), null, () => page.locator('.tile.held').waitFor());
  await tile(page, 'cam2').getByRole('button', { name: 'Large: Camera 2' }).click();
  await until('it is large', async () => /layout=large&large=house\/cam2/.test(await search(page)));
  assert.deepEqual(await violations(page), []);
  await done(page);
  assert.deepEqual(page.errors, []);
});

test('what an address asks for in vain does no harm', async () => {
  for (const hostile of [
    '?layout=%3Cscript%3E&order=../..&large=x&hide=,,,',
    `?order=${Array.from({ length: 3000 }, (_, i) => `a/${i}`).join()}`,
    '?layout=20x20&large=nobody/here&hide=nobody/here&order=house/cam1,house/cam1',
    '?layout=large&large=%00&order=%E0%A4%A',
  ]) {
    const page = await open(DESK, hostile);
    await until(`${hostile.slice(0, 60)} shows all`, async () => (await order(page)).length === NAMES.length, SOON);
    assert.deepEqual(page.errors, []);
    await page.context().close();
  }
});

test('a wall that is arranged stays as it is when cameras come and go', async () => {
  const wanted = ['cam3', 'cam1', 'cam0', 'cam2', 'cam4', 'cam5'];
  const page = await open(DESK, `?layout=3x3&order=${wanted.map((name) => `house/${name}`)}`);
  await shows(page, wanted);
  const before = await places(page);
  node.add('a-new-one', pictures[0], { size: '640x360' });
  await shows(page, [...wanted, 'a-new-one'], 'a new one comes last:');
  const { 'a-new-one': added, ...others } = await places(page);
  assert.ok(added.width > 0);
  assert.deepEqual(others, before);
  node.remove('a-new-one');
  await shows(page, wanted);
  assert.deepEqual(await places(page), before);
});
