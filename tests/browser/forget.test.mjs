// What will not come back is forgotten from the page: a camera, and a node with all its cameras.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import mqtt from 'mqtt';

import { violations } from '../harness/axe.mjs';
import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { Painted, paint } from '../harness/painted.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { tile } from '../harness/wall.mjs';

const DAY = 86_400_000;
const SOON = { limit: 20_000 };
const AWAY = Math.floor(Date.now() / 1000) * 1000 - 5 * DAY - 60_000;

let broker;
let vitrina;
let node;
let browser;
let client;

const fact = (topic, payload) => client.publishAsync(`vitrina/${topic}`, payload, { qos: 1, retain: true });
const state = (facts) => JSON.stringify({ state: 'live', since: AWAY, name: 'x', device: 'painted', ...facts });
const remove = (path) => fetch(new URL(path, vitrina.wall), { method: 'DELETE' });

/** A node that went without a word, with these cameras. */
async function bury(name, cameras) {
  const who = { machine: '1', boot: '2', instance: '3', host: name, model: 'x' };
  await fact(`${name}/info`, JSON.stringify({ kind: 'v4l2', version: '0.1.0', ...who, started: 1, cameras }));
  for (const camera of cameras) await fact(`${name}/${camera}/state`, state({ name: `The ${camera}` }));
  await fact(`${name}/status`, 'offline');
}

/** The retained topics under a name. */
async function retained(name) {
  const reader = await mqtt.connectAsync(broker.ready.broker);
  const seen = [];
  reader.on('message', (topic, payload, { retain }) => retain && payload.length > 0 && seen.push(topic));
  await reader.subscribeAsync(`vitrina/${name}/#`);
  // What comes after it on this connection comes after all that is retained.
  await reader.subscribeAsync('vitrina/marker');
  await reader.publishAsync('vitrina/marker', '1', { qos: 1 });
  await reader.endAsync();
  return seen;
}

before(async () => {
  browser = await launch();
  // An earlier life of this gallery knew since when they are away.
  const data = folder('data');
  mkdirSync(join(data, 'gallery'), { recursive: true });
  writeFileSync(join(data, 'gallery', 'away.json'), JSON.stringify({ shed: AWAY, barn: AWAY }));
  broker = await Vitrina.start(['broker']);
  client = await mqtt.connectAsync(broker.ready.broker);
  await bury('shed', ['left', 'right']);
  vitrina = await Vitrina.start(['gallery'], { data, set: [`gallery.broker=${broker.ready.broker}`] });
  node = await Painted.start(broker.ready.broker, 'house');
  const [painted] = await paint(browser, [[640, 360]]);
  node.add('door', painted, { size: '640x360', name: 'Door' });
  node.add('roof', painted, { size: '640x360' });
  node.state('roof', { state: 'lost', reason: 'unplugged', name: 'Roof, west', since: AWAY });
  node.silence('roof');
});

after(async () => {
  await client?.endAsync(true);
  await browser?.close();
  await node?.stop();
  await vitrina?.stop();
  await broker?.stop();
});

async function open(camera, viewport = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ viewport, locale: 'en-GB' });
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}#/camera/${camera}`);
  return page;
}

test('what lives is not offered to be forgotten, and refused in words', async () => {
  const page = await open('house/door');
  await tile(page, 'house/door', 'is live', ({ state }) => state === 'live', SOON);
  assert.equal(await page.getByRole('button', { name: 'Forget' }).count(), 0);
  for (const [path, status, code, why] of [
    ['api/cameras/house/door', 409, 'still-here', /house\/door is still here/],
    ['api/nodes/house', 409, 'still-here', /house is online/],
    ['api/cameras/house/nobody', 404, 'camera-unknown', /there is no camera house\/nobody/],
    ['api/nodes/nobody', 404, 'node-unknown', /there is no node nobody/],
    ['api/nodes/Not%20A%20Name', 404, 'not-found', /name/],
  ]) {
    const answer = await remove(path);
    assert.equal(answer.status, status, path);
    const said = await answer.json();
    assert.equal(said.code, code, path);
    assert.match(said.error, why, path);
  }
  assert.equal((await retained('house')).length, 4, 'all facts are still there');
  await page.context().close();
});

test('an unplugged camera says since when, and is forgotten after a question', async () => {
  const page = await open('house/roof');
  await page.locator('.head .facts').getByText(/^Gone for 5 days, since \d+ \w+,? /).waitFor();
  const offer = page.getByRole('button', { name: 'Forget' });
  await offer.click();
  const question = page.getByRole('alertdialog', { name: 'Forget Roof, west?' });
  await question.getByText('Should it come back, it appears here by itself.').waitFor();
  assert.deepEqual(await violations(page), []);
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Keep', 'nothing is lost by Enter');
  await page.keyboard.press('Escape');
  await question.waitFor({ state: 'detached' });
  assert.equal((await retained('house/roof')).length, 1, 'it is kept');
  await offer.click();
  await question.getByRole('button', { name: 'Forget' }).click();
  await page.getByText('Roof, west is forgotten').waitFor();
  await page.locator('.wall .tile[data-camera="house/door"]').waitFor();
  assert.equal(await page.locator('.tile[data-camera="house/roof"]').count(), 0);
  assert.deepEqual(await retained('house/roof'), []);
  assert.equal((await retained('house')).length, 3, 'the others stay');
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('a node that is away goes with its cameras, as an earlier life of the gallery knew, on a phone', async () => {
  const page = await open('shed/left', { width: 390, height: 844 });
  await page.locator('.head .facts').getByText(/^Gone for 5 days/).waitFor();
  await page.getByRole('button', { name: 'Forget' }).click();
  const question = page.getByRole('alertdialog', { name: 'Forget shed and its 2 cameras?' });
  assert.deepEqual(await violations(page), []);
  await question.getByRole('button', { name: 'Forget' }).click();
  await page.getByText('shed is forgotten').waitFor();
  await until('its cameras are gone', async () => (await page.locator('.tile[data-camera^="shed/"]').count()) === 0);
  assert.deepEqual(await retained('shed'), []);
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('with its last camera a node that is away goes too', async () => {
  await bury('barn', ['only']);
  await until('it is on the wall', async () => (await (await fetch(new URL('api/cameras', vitrina.wall))).json()).some(({ camera }) => camera === 'barn/only'), SOON);
  assert.equal((await remove('api/cameras/barn/only')).status, 204);
  assert.deepEqual(await retained('barn'), []);
  assert.equal((await remove('api/nodes/barn')).status, 404);
});
