// One camera large, by mouse and keys: zoomed, measured, and where no photo of it can be had.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { Painted, paint } from '../harness/painted.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { changes, live, tile } from '../harness/wall.mjs';

const SOON = { limit: 20_000 };

let vitrina;
let node;
let browser;
let page;
let camera;
let other;
const errors = [];

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=never'] });
  node = await Painted.start(vitrina.ready.broker, 'house');
  const [wide, upright] = await paint(browser, [[640, 360], [360, 640]]);
  camera = node.add('wide', wide, { size: '640x360', name: 'Front door' });
  other = node.add('upright', upright, { size: '360x640', name: 'Stairs' });
  page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' })).newPage();
  page.on('pageerror', ({ message }) => errors.push(message));
  await page.goto(vitrina.wall);
  for (const each of [camera, other]) await live(page, each, SOON);
});

after(async () => {
  await browser?.close();
  await node?.stop();
  await vitrina?.stop();
});

const picture = () => page.locator('.stage canvas');
const box = () => picture().boundingBox();

async function enlarge() {
  await page.goto(`${vitrina.wall}#/`);
  await page.goto(`${vitrina.wall}#/camera/${camera}`);
  await page.locator('.stage .tile[data-state=live]').waitFor();
  await until('it has come to rest', () => page.evaluate("document.querySelector('.stage').getAnimations({ subtree: true }).length === 0"));
}

/** How many times larger than whole the picture is. */
async function zoom() {
  const { width } = await box();
  return width / await picture().evaluate((canvas) => canvas.offsetWidth);
}

/** What of the picture is at a point of the window, 0 to 1 each way. */
async function under({ x, y }) {
  const { x: left, y: top, width, height } = await box();
  return [(x - left) / width, (y - top) / height];
}

/** The picture covers all of its frame. */
async function covers() {
  const frame = await page.locator('.stage .tile').boundingBox();
  const { x, y, width, height } = await box();
  assert.ok(x <= frame.x + 1 && y <= frame.y + 1, `${x}, ${y} in ${JSON.stringify(frame)}`);
  assert.ok(x + width >= frame.x + frame.width - 1 && y + height >= frame.y + frame.height - 1);
}

const isWhole = async () => Math.abs((await zoom()) - 1) < 0.01;

test('the wheel zooms about the pointer, never out of the frame, and back to the whole', async () => {
  await enlarge();
  const { x, y, width, height } = await box();
  const at = { x: x + width * 0.8, y: y + height * 0.3 };
  const [across, down] = await under(at);
  await page.mouse.move(at.x, at.y);
  await page.mouse.wheel(0, -400);
  await until('it is twice as large', async () => Math.abs((await zoom()) - 2) < 0.05);
  const [nowAcross, nowDown] = await under(at);
  assert.ok(Math.abs(nowAcross - across) < 0.01 && Math.abs(nowDown - down) < 0.01, 'what is under the pointer stays there');
  await covers();
  await page.mouse.wheel(0, -4000);
  await until('it has an end', async () => Math.abs((await zoom()) - 6) < 0.05);
  await covers();
  await live(page, camera);
  await page.mouse.wheel(0, 8000);
  await until('it is whole', isWhole);
  await covers();
});

test('dragged by the mouse the zoomed picture moves, stays in its frame, and stays this camera', async () => {
  await enlarge();
  const { x, y, width, height } = await box();
  const middle = { x: x + width / 2, y: y + height / 2 };
  await page.mouse.move(middle.x, middle.y);
  await page.mouse.wheel(0, -400);
  await until('it is larger', async () => (await zoom()) > 1.9);
  const before = await box();
  await page.mouse.down();
  await page.mouse.move(middle.x - 120, middle.y - 60, { steps: 4 });
  const moved = await box();
  assert.ok(Math.abs(moved.x - before.x + 120) < 2 && Math.abs(moved.y - before.y + 60) < 2, JSON.stringify([before, moved]));
  await page.mouse.move(5, 5, { steps: 4 });
  await covers();
  await page.mouse.up();
  assert.ok(page.url().endsWith(`#/camera/${camera}`));
  await changes(page, camera, 2);
});

test('+ and - zoom, 0 and Esc end it, and only then Esc leads to the wall', async () => {
  await enlarge();
  await page.keyboard.press('+');
  await until('it is larger', async () => Math.abs((await zoom()) - 1.5) < 0.02);
  await page.keyboard.press('=');
  await until('larger still', async () => Math.abs((await zoom()) - 2.25) < 0.02);
  await page.keyboard.press('-');
  await until('smaller', async () => Math.abs((await zoom()) - 1.5) < 0.02);
  await page.keyboard.press('0');
  await until('whole', isWhole);
  await page.keyboard.press('-');
  await until('not smaller than whole', isWhole);
  await page.keyboard.press('+');
  await until('larger again', async () => (await zoom()) > 1.4);
  await page.keyboard.press('Escape');
  await until('whole again', isWhole);
  assert.ok(page.url().includes('#/camera/'));
  await page.keyboard.press('Escape');
  await page.locator('.wall').waitFor();
});

test('the next camera begins whole', async () => {
  await enlarge();
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  await page.locator(`.stage [data-camera="${other}"][data-state=live]`).waitFor();
  await until('it is whole', isWhole);
});

/** Each way in which no photo of the camera can be had, and how it comes about and passes. */
const OBSTACLES = [
  ['unplugged', /^Unplugged\. /, { state: 'lost', reason: 'unplugged' }],
  ['busy', /^Taken by obs\. Close that program/, { state: 'error', reason: 'busy', by: 'obs' }],
  ['off', /^Off\. /, { state: 'off' }],
];

for (const [name, why, state] of OBSTACLES) {
  test(`of a camera that is ${name} the shutter is dark, and it, S and Enter say why`, async () => {
    await page.goto(`${vitrina.wall}#/`);
    node.silence('wide');
    node.state('wide', { size: '640x360', name: 'Front door', ...state });
    await tile(page, camera, `is ${state.state}`, (seen) => seen.state === state.state, SOON);
    await refuses(page.locator(`.wall [data-camera="${camera}"] .shutter`), page.locator(`.wall [data-camera="${camera}"] .open`), why);
    await page.goto(`${vitrina.wall}#/camera/${camera}`);
    await refuses(page.locator('.head .shutter'), page.locator('.head .shutter'), why);
    node.silence('wide', false);
    node.state('wide', { state: 'live', size: '640x360', name: 'Front door' });
    await until('a photo can be had again', async () => (await page.locator('.head .shutter').getAttribute('aria-disabled')) !== 'true', SOON);
    await until('it is bright', async () => (await disc(page.locator('.head .shutter'))) === PAPER);
  });
}

test('of a gallery that only shows it is the same', async () => {
  const beside = await Vitrina.start(['gallery'], { set: [`gallery.broker=${vitrina.ready.broker}`] });
  try {
    await page.goto(`${beside.wall}#/camera/${camera}`);
    await live(page, camera, SOON);
    await refuses(page.locator('.head .shutter'), page.locator('.head .shutter'), /^This gallery only shows photos\.$/);
  } finally {
    await beside.stop();
  }
});

test('without a connection it is the same', async () => {
  await enlarge();
  await vitrina.kill();
  await page.locator('.lost-line').waitFor(SOON);
  await refuses(page.locator('.head .shutter'), page.locator('.head .shutter'), /^Connection lost\.$/);
  await vitrina.again();
  await page.locator('.head .shutter:not([aria-disabled=true])').waitFor(SOON);
  assert.deepEqual(await (await fetch(`${vitrina.wall}api/photos`)).json(), [], 'nothing was asked for');
  assert.deepEqual(errors, []);
});

const PAPER = 'rgb(244, 241, 234)';
const disc = (shutter) => shutter.evaluate((at) => getComputedStyle(at, '::after').backgroundColor);

/** The shutter is dark and named after the reason; pressed by pointer and keys it tells it. */
async function refuses(shutter, focus, why) {
  await until('it cannot be pressed', async () => (await shutter.getAttribute('aria-disabled')) === 'true', SOON);
  await until('it is dark', async () => (await disc(shutter)) === 'rgb(40, 40, 37)');
  assert.match((await shutter.getAttribute('aria-label')).replace(/^.*?\. /, ''), why);
  // Forced, since Playwright does not click on what says that it does nothing.
  for (const press of [() => shutter.click({ force: true }), () => page.keyboard.press('s'), () => shutter.press('Enter')]) {
    await focus.focus();
    await press();
    const told = page.locator('.toast.bad');
    await told.waitFor();
    assert.match(await told.locator('small').innerText(), why);
    await told.getByRole('button', { name: 'Close' }).click();
    await until('it is closed', async () => (await page.locator('.toast.bad small', { hasText: why }).count()) === 0);
    assert.equal(await page.locator('.flash, .shutter.waiting').count(), 0);
  }
}
