// Viewers and subscribers that misbehave.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { memory } from '../harness/process.mjs';
import { throughout, until } from '../harness/until.mjs';
import { Viewer } from '../harness/viewer.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { changes, tiles, watch } from '../harness/wall.mjs';

const MANY = 8;
const MEGABYTE = 1024 * 1024;

let vitrina;
let browser;
let page;
let card;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here'] });
  ({ page, camera: card } = await watch(browser, vitrina.wall));
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

test('a page of another site is refused', async () => {
  for (const origin of ['http://evil.example', 'null', 'https://127.0.0.1:1']) {
    const viewer = await Viewer.connect(vitrina.wall, { origin });
    assert.equal(viewer.status, 403, origin);
    viewer.close();
  }
});

test('a foreign name for the wall is refused, as it may be DNS rebinding', async () => {
  const viewer = await Viewer.connect(vitrina.wall, { host: 'evil.example', origin: 'http://evil.example' });
  assert.equal(viewer.status, 403);
  viewer.close();
});

test('a program without an Origin is welcome', async () => {
  const viewer = await Viewer.connect(vitrina.wall);
  assert.equal(viewer.status, 101);
  viewer.watch(card);
  await until('frames', () => viewer.frames > 20);
  viewer.close();
});

/** Opens many of the same kind, and checks that each costs little and the browser loses nothing. */
async function cost(open) {
  await changes(page, card, 5);
  const before = memory(vitrina.pid);
  const all = await Promise.all(Array.from({ length: MANY }, open));
  let most = 0;
  await throughout('the browser has fresh pictures', async () => {
    most = Math.max(most, memory(vitrina.pid));
    return (await tiles(page))[card].age < 2000;
  }, { time: 6000 });
  await changes(page, card, 5);
  for (const one of all) one.close();
  const each = (most - before) / MANY / MEGABYTE;
  assert.ok(each < 2, `${each.toFixed(2)} MB each`);
}

test('a viewer that stops reading costs less than 2 MB and nobody a frame', () => cost(async () => {
  const viewer = await Viewer.connect(vitrina.wall);
  viewer.watch(card);
  await until('frames', () => viewer.frames > 5);
  viewer.stopReading();
  return viewer;
}));

test('a viewer that answers for frames that it never reads costs no more', () => cost(async () => {
  const viewer = await Viewer.connect(vitrina.wall);
  viewer.watch(card);
  viewer.stopReading();
  let serial = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 20; i += 1) viewer.ack((serial += 1));
  }, 50);
  return { close: () => (clearInterval(timer), viewer.close()) };
}));

test('a subscriber of all pictures that stops reading costs no more', async () => {
  const want = wanted(vitrina.port, card, 30);
  await cost(async () => {
    const subscriber = new Subscriber(vitrina.port, ['vitrina-jpeg/#'], { keep: false });
    let count = 0;
    subscriber.each = () => (count += 1);
    await until('frames', () => count > 5);
    subscriber.signal('SIGSTOP');
    return { close: () => subscriber.stop() };
  });
  want.stop();
});
