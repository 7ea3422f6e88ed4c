// The wall never jumps: nothing but a camera that comes, goes or turns changes where a tile is.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { Painted, paint } from '../harness/painted.mjs';
import { throughout, until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { tile, tiles } from '../harness/wall.mjs';

const SIZES = [[640, 360], [360, 640], [640, 480], [640, 360], [640, 216], [640, 360]];
const NAMES = SIZES.map((_, i) => `cam${i}`);
const SOON = { limit: 20_000 };

/** Each tile's place, size and camera, and those of the room's parts. */
const PLACES = `[...document.querySelectorAll('.wall .tile')].map((tile) => {
  const { x, y, width, height } = tile.getBoundingClientRect();
  return [tile.dataset.camera, x, y, width, height].join(' ');
}).join('\\n')`;

let vitrina;
let node;
let browser;
let pages;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=never'] });
  node = await Painted.start(vitrina.ready.broker, 'house');
  const pictures = await paint(browser, SIZES);
  for (const [i, [width, height]] of SIZES.entries()) node.add(NAMES[i], pictures[i], { size: `${width}x${height}` });
  pages = [];
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    const page = await browser.newPage({ viewport });
    await page.goto(vitrina.wall);
    pages.push(page);
  }
  for (const page of pages) await allLive(page);
});

after(async () => {
  await browser?.close();
  await node?.stop();
  await vitrina?.stop();
});

function allLive(page) {
  return until('all are live', async () => {
    const shown = await tiles(page);
    if (NAMES.every((name) => shown[`house/${name}`]?.state === 'live')) return true;
    throw new Error(JSON.stringify(shown));
  }, SOON);
}

/** Records every place that any tile has on each drawn frame, from now on. */
async function record() {
  for (const page of pages) {
    await page.evaluate(`(() => {
      const seen = new Set();
      const look = () => { seen.add(${PLACES}); window.looking = requestAnimationFrame(look); };
      cancelAnimationFrame(window.looking);
      look();
      window.placesSeen = seen;
    })()`);
  }
}

/** No tile had another place since the recording began. */
async function still(what) {
  for (const page of pages) {
    const seen = await page.evaluate('[...window.placesSeen]');
    assert.equal(seen.length, 1, `${what}: ${seen.join('\n\n')}`);
    assert.equal(seen[0].split('\n').length, SIZES.length, what);
  }
}

test('a toast changes no tile', async () => {
  await record();
  for (const page of pages) await page.keyboard.press('s');
  await until('toasts are shown', () => Promise.all(pages.map((page) => page.locator('.toast').first().isVisible())).then((all) => all.every(Boolean)));
  await still('toast');
});

test('the first photo changes no tile', async () => {
  await record();
  const jpeg = (await paint(browser, [[320, 240]]))[0][0];
  const form = new FormData();
  form.append('image', new Blob([jpeg], { type: 'image/jpeg' }), 'first.jpg');
  const answer = await fetch(new URL('upload', vitrina.wall), { method: 'POST', body: form });
  assert.equal(answer.status, 201);
  for (const page of pages) await page.locator('.strip [data-photo] img').first().waitFor({ state: 'attached' });
  await still('first photo');
});

test('a camera that goes stale, is lost and is switched off changes no tile', async () => {
  await record();
  node.silence('cam1');
  for (const page of pages) await tile(page, 'house/cam1', 'is stale', ({ state }) => state === 'stale', SOON);
  node.state('cam1', { state: 'lost', reason: 'unplugged' });
  for (const page of pages) await tile(page, 'house/cam1', 'is lost', ({ state }) => state === 'lost', SOON);
  node.state('cam1', { state: 'off' });
  for (const page of pages) await tile(page, 'house/cam1', 'is off', ({ state }) => state === 'off', SOON);
  node.state('cam1', { state: 'live', size: '360x640' });
  node.silence('cam1', false);
  for (const page of pages) await allLive(page);
  await still('stale, lost, off');
});

test('the connection that is lost and comes back changes no tile', async () => {
  await record();
  const { port } = new URL(vitrina.wall);
  await vitrina.kill();
  for (const page of pages) await page.locator('.lost-line').waitFor({ timeout: 20_000 });
  await throughout('the line is there', () => pages[0].locator('.lost-line').isVisible(), { time: 1_000 });
  await still('connection lost');
  await vitrina.again();
  assert.equal(new URL(vitrina.wall).port, port);
  for (const page of pages) await allLive(page);
  for (const page of pages) await until('the line is gone', async () => !(await page.locator('.lost-line').isVisible()), SOON);
  await still('connected again');
});

test('a camera that comes is shown, the others travel, and it goes again', async () => {
  const [page] = pages;
  const before = await page.evaluate(PLACES);
  const [pictures] = await paint(browser, [[480, 640]]);
  const camera = node.add('late', pictures, { size: '480x640' });
  await tile(page, camera, 'is live', ({ state }) => state === 'live', SOON);
  assert.notEqual(await page.evaluate(PLACES), before);
  node.remove('late');
  await until('it is gone', async () => !(await tiles(page))[camera], SOON);
});

test('tiles lie in the window, apart, none small, none a giant', async () => {
  for (const page of pages) {
    await until('they are at rest', async () => {
      const before = await page.evaluate(PLACES);
      await page.evaluate('new Promise((done) => setTimeout(done, 100))');
      return before === (await page.evaluate(PLACES));
    });
    const boxes = (await page.evaluate(PLACES)).split('\n').map((line) => line.split(' ').slice(1).map(Number));
    const room = await page.evaluate(`(() => { const { x, y, width, height } = document.querySelector('.wall').getBoundingClientRect(); return [x, y, width, height]; })()`);
    const areas = boxes.map(([, , width, height]) => width * height);
    assert.ok(Math.max(...areas) <= 4 * Math.min(...areas), `${areas}`);
    for (const [x, y, width, height] of boxes) {
      assert.ok(Math.min(width, height) >= 72, `${width} x ${height}`);
      assert.ok(x >= room[0] && y >= room[1] && x + width <= room[0] + room[2] && y + height <= room[1] + room[3]);
    }
    const covered = areas.reduce((sum, area) => sum + area, 0) / (room[2] * room[3]);
    assert.ok(covered >= 0.85, `${covered} is covered`);
  }
});

test('an address that asks for a grid gets it', async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${vitrina.wall}?layout=3x2`);
  await allLive(page);
  const boxes = (await page.evaluate(PLACES)).split('\n').map((line) => line.split(' ').slice(1).map(Number));
  const columns = boxes.map(([x, , width]) => Math.floor((x + width / 2) / (1280 / 3)));
  assert.deepEqual(columns, [0, 1, 2, 0, 1, 2]);
  await page.close();
});
