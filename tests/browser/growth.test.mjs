// One page watches eight cameras and goes through the rooms again and again: after that the page
// holds no more memory than before, and neither does the gallery. For GROWTH_SECONDS (60).

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { RawChromium } from '../harness/cdp.mjs';
import { Cameras } from '../harness/preload.mjs';
import { memory } from '../harness/process.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { READ_TILES } from '../harness/wall.mjs';

const SECONDS = Number(process.env.GROWTH_SECONDS ?? 60);
const COUNT = 8;
const SOON = { limit: 60_000 };
/** What comes and goes by itself, such as the age on a plate. */
const SLACK = { heap: 1e6, nodes: 60, listeners: 20, gallery: 16e6 };

const parts = [];
let gallery;
let browser;
let page;

before(async () => {
  const start = async (...given) => parts[parts.push(await Vitrina.start(...given)) - 1];
  const broker = await start(['broker']);
  const cameras = Array.from({ length: COUNT }, (_, n) => `{name="rig-test-camera-rig000${n}", width=640, height=480, fps=10}`);
  const set = ['node.name=here', `node.broker=${broker.ready.broker}`, `node.camera=[${cameras}]`];
  await start(['node'], { set, env: new Cameras(COUNT).env });
  gallery = await start(['gallery'], { set: [`gallery.broker=${broker.ready.broker}`] });
  browser = new RawChromium();
  page = await browser.open(gallery.wall);
  await page.show();
});

after(async () => {
  await browser?.stop();
  await Promise.all(parts.map((part) => part.stop()));
});

const there = (selector) => until(selector, () => page.evaluate(`document.querySelector('${selector}') !== null`), SOON);
const click = async (selector) => {
  await there(selector);
  await page.evaluate(`document.querySelector('${selector}').click()`);
};
const press = (key) => page.evaluate(`void dispatchEvent(new KeyboardEvent('keydown', { key: '${key}' }))`);

/** All cameras are live on the wall. */
const wall = () => until('all are live', async () => {
  const all = Object.values(await page.evaluate(READ_TILES));
  if (all.length === COUNT && all.every(({ state, age }) => state === 'live' && age < 2000)) return true;
  throw new Error(JSON.stringify(all.map(({ state, age }) => `${state} ${age}`)));
}, SOON);

/** Once through the rooms, and back to the wall. */
async function round() {
  await click('.wall .tile .open');
  await there('.stage .tile[data-state=live]');
  await press('ArrowRight');
  await press('Escape');
  await press('2');
  await click('.grid a');
  await there('.viewer .pswp__img');
  await press('i');
  await press('ArrowRight');
  await press('Escape');
  await until('the viewer is closed', () => page.evaluate("document.querySelector('.viewer') === null"), SOON);
  await press('3');
  await there('.say textarea');
  await click('.views a:last-child');
  await there('[data-entry]');
  await press('1');
  await wall();
}

test(`nothing grows in ${SECONDS} s with ${COUNT} cameras`, async (t) => {
  await wall();
  for (const camera of Object.keys(await page.evaluate(READ_TILES)).slice(0, 3)) {
    const photo = await fetch(new URL(`api/cameras/${camera}/snap`, gallery.wall), { method: 'POST' });
    assert.equal(photo.status, 201);
  }
  const seen = [];
  const look = async () => {
    seen.push({ ...(await page.holds()), gallery: memory(gallery.pid) });
    t.diagnostic(JSON.stringify(seen.at(-1)));
  };
  // The first rounds fill caches and do not count.
  for (let i = 0; i < 3; i++) await round();
  await look();
  const end = Date.now() + SECONDS * 1000;
  do {
    await round();
    await look();
  } while (Date.now() < end);
  // The minimum of the first and of the last third, because uncollected garbage comes on top.
  const third = Math.max(1, Math.floor(seen.length / 3));
  const least = (part, name) => Math.min(...part.map((one) => one[name]));
  for (const [name, slack] of Object.entries(SLACK)) {
    const [first, last] = [least(seen.slice(0, third), name), least(seen.slice(-third), name)];
    assert.ok(last <= first + slack, `${name}: ${first} at first, ${last} at last`);
  }
});
