// The wall never jumps: only a camera that comes, goes or turns changes where a tile is, and
// nothing changes how much room the wall has.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { visitor } from '../harness/house.mjs';
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
  browser = await launch(FAKE_CAMERA);
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

/** The size of the bar, and the place and size of the room that is left to the wall. */
const ROOM = `['.bar', '.wall'].map((part) => {
  const { x, y, width, height } = document.querySelector(part)?.getBoundingClientRect() ?? {};
  return [part, x, y, width, height].join(' ');
}).join('\\n')`;

/** Records on each drawn frame, from now on, every place of every tile, or the value of `what`. */
async function record(which = pages, what = PLACES) {
  for (const page of which) {
    await page.evaluate(`(() => {
      const seen = new Set();
      const look = () => { seen.add(${what}); window.looking = requestAnimationFrame(look); };
      cancelAnimationFrame(window.looking);
      look();
      window.placesSeen = seen;
    })()`);
  }
}

/** What the recording has seen. */
const recorded = (page) => page.evaluate('[...window.placesSeen]');

/** No tile had another place since the recording began. */
async function still(what, which = pages) {
  for (const page of which) {
    const seen = await recorded(page);
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

test('somebody who comes and leaves changes no tile', async () => {
  const count = (n) => until(`${n} are here`, async () =>
    (await pages[0].locator('.bar .here').allInnerTexts()).join() === (n > 0 ? `${n} here` : ''));
  await record();
  const guests = [];
  for (const name of ['Ana', 'Bartholomew of the Northern Harbour']) guests.push(await visitor(vitrina, name));
  await count(2);
  await until('they are named below the wall', async () => (await pages[0].locator('.tail').innerText()).includes('Ana'));
  for (const guest of guests) guest.close();
  await count(0);
  await still('people');
});

test('what a gallery has to say changes no tile, nor does closing it', async () => {
  const broker = await Vitrina.start(['broker']);
  const beside = await Vitrina.start(['gallery'], { set: [`gallery.broker=${broker.ready.broker}`] });
  const there = await Painted.start(broker.ready.broker, 'house');
  const watching = [];
  try {
    const pictures = await paint(browser, SIZES);
    for (const [i, [width, height]] of SIZES.entries()) there.add(NAMES[i], pictures[i], { size: `${width}x${height}` });
    for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
      const page = await browser.newPage({ viewport, locale: 'en-GB' });
      watching.push(page);
      await page.goto(beside.wall);
      await allLive(page);
    }
    await record(watching);
    await broker.kill();
    for (const page of watching) {
      const notice = page.locator('.toast.bad');
      await notice.getByText('The gallery cannot reach the broker').waitFor();
      await notice.getByRole('button', { name: 'Close' }).click();
      await until('it is closed', async () => (await notice.count()) === 0);
    }
    await still('notice', watching);
  } finally {
    for (const page of watching) await page.close();
    await there.stop();
    await Promise.all([beside.stop(), broker.stop()]);
  }
});

for (const locale of ['en-GB', 'de-DE', 'es-ES', 'fr-FR', 'it-IT', 'pt-BR']) {
  for (const width of [360, 390, 840]) {
    test(`not yet on air, on air and refused fit into the bar, ${width} pixels in ${locale}`, async () => {
      const phone = width < 800;
      const context = await browser.newContext({ viewport: { width, height: 800 }, locale, hasTouch: phone, isMobile: phone });
      const page = await context.newPage();
      const air = await ownAir(page);
      await page.goto(vitrina.wall);
      await allLive(page);
      const before = await page.evaluate(ROOM);
      await page.keyboard.press('3');
      await page.locator('.bar .push button:has(svg):not(.inviter)').click();
      await page.locator('dialog input').fill('Ana');
      await page.keyboard.press('Enter');
      await page.locator('.me video').waitFor();
      await page.locator('.me .row .pill').first().click();
      await page.keyboard.press('1');
      await allLive(page);
      await record([page], ROOM);
      for (const [lamp, bring] of [['connecting', () => {}], ['live', air.take], ['error', air.refuse]]) {
        bring();
        await page.locator(`.onair-bar .lamp.${lamp}`).waitFor();
        assert.deepEqual(await page.evaluate(CUT), [], lamp);
        await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
      }
      assert.deepEqual(await recorded(page), [before]);
      await context.close();
    });
  }
}

/** What of the bar is cut off, lies over its neighbour, or is not in the window. */
const CUT = `(() => {
  const parts = [...document.querySelectorAll('.bar nav a, .onair-bar .short, .onair-bar .long, .onair-bar button')]
    .filter((part) => getComputedStyle(part).clipPath === 'none' && part.getClientRects().length > 0);
  return parts.filter((part, i) => {
    const { left, right } = part.getBoundingClientRect();
    return part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0 || right > innerWidth || left < (parts[i - 1]?.getBoundingClientRect().right ?? 0);
  }).map((part) => part.innerText);
})()`;

/** The gallery's part of the page's own camera: it is silent, takes it or refuses it as the test says. */
async function ownAir(page) {
  const air = {};
  await page.routeWebSocket(/\?camera$/, (socket) => {
    const say = (message) => socket.send(JSON.stringify(message));
    air.take = () => say({ type: 'wanted', full: 0, half: 0, quarter: 0, preview: 0, looking: 2 });
    air.refuse = () => say({ type: 'held', text: 'Ana', why: 'there are enough cameras' });
  });
  return { take: () => air.take(), refuse: () => air.refuse() };
}

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
