// Pixels seen are pixels sent: the size of a tile decides which size it asks its camera for.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { Subscriber } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, tiles } from '../harness/wall.mjs';

const LARGE = { width: 1920, height: 1080 };
const SMALL = { width: 700, height: 560 };

let vitrina;
let facts;
let browser;
let page;
let camera;

before(async () => {
  const names = [0, 1, 2, 3].map((n) => `{name="rig-test-camera-rig000${n}", width=1280, height=720, fps=5}`);
  const set = ['node.name=here', `node.camera=[${names}]`];
  vitrina = await Vitrina.start([], { set, env: new Cameras(4).env });
  facts = new Subscriber(vitrina.port, ['vitrina/here/#']);
  browser = await launch();
  page = await browser.newPage({ viewport: LARGE });
  await page.goto(vitrina.wall);
  await until('four tiles', async () => Object.keys(await tiles(page)).length === 4, { limit: 20_000 });
  [camera] = Object.keys(await tiles(page)).sort();
});

after(async () => {
  await browser?.close();
  await facts?.stop();
  await vitrina?.stop();
});

/** Waits until the camera is wanted in this size alone, and is drawn in it. */
async function comes(size, width) {
  const want = `vitrina/${camera}/want`;
  const said = () => JSON.parse(facts.messages.findLast(({ topic }) => topic === want)?.payload ?? '{}');
  const sizes = () => Object.keys(said()).filter((key) => ['full', 'half', 'quarter'].includes(key) && said()[key] > 0);
  await until(`${size} alone is wanted`, () => {
    if (sizes().join() === size) return true;
    throw new Error(JSON.stringify(said()));
  }, { limit: 20_000 });
  const drawn = `document.querySelector('[data-camera="${camera}"] canvas').width`;
  await until(`a picture ${width} wide is drawn`, async () => (await page.evaluate(drawn)) === width, { limit: 20_000 });
  await live(page, camera);
}

test('a tile of half the window gets half of the picture', () => comes('half', 640));

test('enlarged it gets the whole', async () => {
  await page.locator(`[data-camera="${camera}"] button`).first().click();
  await page.locator('.stage canvas').waitFor();
  // The film strip has it too, small, and both draw from the same requested frames.
  const wide = `document.querySelector('.stage canvas').width`;
  await until('the whole is drawn', async () => (await page.evaluate(wide)) === 1280, { limit: 20_000 });
  const want = facts.messages.findLast(({ topic }) => topic === `vitrina/${camera}/want`);
  assert.ok(JSON.parse(want.payload).full > 0, `${want.payload}`);
});

test('back on the wall it gets half again', async () => {
  await page.keyboard.press('Escape');
  await comes('half', 640);
});

test('in a small window it gets a quarter, in a large one half again', async () => {
  await page.setViewportSize(SMALL);
  await comes('quarter', 320);
  await page.setViewportSize(LARGE);
  await comes('half', 640);
});
