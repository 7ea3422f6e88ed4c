// Broker, gallery and nodes as processes of their own; each is killed, and comes back.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { throughout, until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { changes, live, tile, tiles } from '../harness/wall.mjs';

let broker;
let gallery;
let attic;
let cellar;
let browser;
let page;
/** The test cards of the two nodes. */
let above;
let below;

const SOON = { limit: 20_000 };

const words = () => page.locator('body').innerText();

before(async () => {
  broker = await Vitrina.start(['broker']);
  const node = (name) => Vitrina.start(['node'], {
    set: [`node.name=${name}`, `node.broker=${broker.ready.broker}`, 'node.test_card.show=always'],
  });
  gallery = await Vitrina.start(['gallery'], { set: [`gallery.broker=${broker.ready.broker}`] });
  attic = await node('attic');
  cellar = await node('cellar');
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(gallery.wall);
});

after(async () => {
  await browser?.close();
  await Promise.all([broker, gallery, attic, cellar].map((part) => part?.stop()));
});

test('two nodes are on one wall', async () => {
  await until('two tiles', async () => Object.keys(await tiles(page)).length === 2, SOON);
  [above, below] = Object.keys(await tiles(page)).sort();
  assert.match(above, /^attic\//);
  assert.match(below, /^cellar\//);
  for (const card of [above, below]) {
    await live(page, card, SOON);
    await changes(page, card, 5);
  }
});

test('a node that is killed is lost on the wall, and comes back', async () => {
  await attic.kill();
  const lost = await tile(page, above, 'is lost', ({ state }) => state === 'lost', SOON);
  assert.match(lost.words, /attic is offline/);
  await throughout('the other one is live', async () => {
    const { state, age } = (await tiles(page))[below];
    return state === 'live' && age < 2000;
  }, { time: 2000 });
  await attic.again();
  await live(page, above, SOON);
  await changes(page, above, 5);
});

test('a gallery that is killed is told by the page, and comes back on its port at once', async () => {
  await gallery.kill();
  await until('the page says so', async () => /Connection lost/.test(await words()), SOON);
  await until('no tile looks live', async () => Object.values(await tiles(page)).every(({ state }) => state !== 'live'), SOON);
  assert.ok(attic.alive && cellar.alive && broker.alive);
  await gallery.again();
  for (const card of [above, below]) await live(page, card, SOON);
  await until('the notice goes', async () => !/Connection lost|Connected again/.test(await words()), SOON);
  await changes(page, above, 5);
});

test('a broker that is killed is told by the wall, and comes back on its port at once', async () => {
  await broker.kill();
  await until('the wall says so', async () => /broker/i.test(await words()), SOON);
  await until('no tile looks live', async () => Object.values(await tiles(page)).every(({ state }) => state !== 'live'), SOON);
  assert.ok(attic.alive && cellar.alive && gallery.alive);
  await broker.again();
  for (const card of [above, below]) await live(page, card, SOON);
  await until('the notice goes', async () => !/broker/i.test(await words()), SOON);
  await changes(page, below, 5);
});

test('nobody else was restarted, and nothing panicked', () => {
  for (const part of [broker, gallery, attic, cellar]) {
    assert.ok(part.alive);
    assert.doesNotMatch(part.stderr, /panicked/);
  }
});
