// A page that was open while its gallery became another version: it loads itself anew, but never
// takes anything from somebody.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { createServer, connect } from 'node:net';
import { once } from 'node:events';

import { violations } from '../harness/axe.mjs';
import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const SECOND = 'AAAAAAAA';
const THIRD = 'BBBBBBBB';
const LINE = 'This page has a new version.';

let vitrina;
let browser;
let first;

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=always'] });
  browser = await launch(FAKE_CAMERA);
  [, first] = /name="build" content="(\w{8})"/.exec(await (await fetch(vitrina.wall)).text());
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

/**
 * A gallery that is upgraded: `wall` leads to the one under test, and names its build `to` from
 * then on, in the page and on the socket; `old`: the page stays what it was, as in a cache.
 */
async function gallery(t) {
  const sockets = new Set();
  let said = first;
  let page = first;
  const { port } = new URL(vitrina.wall);
  const server = createServer((client) => {
    const to = connect({ port: Number(port), host: '127.0.0.1' });
    for (const socket of [client, to]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => [client, to].forEach((both) => both.destroy()));
    }
    // Another build has another ETag.
    client.on('data', (data) => to.write(Buffer.from(data.toString('latin1').replace(/if-none-match/i, 'x-none-matched'), 'latin1')));
    to.on('data', (data) => {
      const text = data.toString('latin1').replace(`"page":"${first}"`, `"page":"${said}"`)
        .replace(`name="build" content="${first}"`, `name="build" content="${page}"`);
      client.write(Buffer.from(text, 'latin1'));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    wall: `http://127.0.0.1:${server.address().port}/`,
    upgrade(to, { old = false } = {}) {
      [said, page] = [to, old ? page : to];
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    },
  };
}

/** A page of it with its own browser; `loads()` says how often it was loaded. */
async function open(t, wall, hash = '', { viewport = { width: 1280, height: 800 } } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', viewport, reducedMotion: 'reduce', serviceWorkers: 'block' });
  t.after(() => context.close());
  const page = await newPage(context);
  let loads = 0;
  page.on('domcontentloaded', () => (loads += 1));
  await page.goto(`${wall}${hash}`);
  await connected(page);
  return { page, loads: () => loads };
}

const connected = (page) => page.locator('.tile[data-state=live], .say, .page').first().waitFor();
const build = (page) => page.locator('meta[name=build]').getAttribute('content');
const isNow = (page, what) => until(`the page is ${what}`, async () => (await build(page)) === what, { limit: 20_000 });
const offer = (page) => page.locator('.upgrade', { hasText: LINE });

test('a page that nobody uses loads itself anew, once for each version, and stays where it was', async (t) => {
  const { wall, upgrade } = await gallery(t);
  const { page, loads } = await open(t, wall, '#/photos');
  upgrade(first);
  await until('it is connected again', async () => (await page.locator('.lost-line').count()) === 0);
  assert.equal(loads(), 1, 'the same version is no news');
  upgrade(SECOND);
  await isNow(page, SECOND);
  assert.ok(page.url().endsWith('#/photos'));
  upgrade(THIRD);
  await isNow(page, THIRD);
  assert.equal(loads(), 3);
  assert.equal(await offer(page).count(), 0);
});

test('where the old page comes again, it is loaded once and then only offered', async (t) => {
  const { wall, upgrade } = await gallery(t);
  const { page, loads } = await open(t, wall);
  upgrade(SECOND, { old: true });
  await offer(page).waitFor({ timeout: 20_000 });
  assert.equal(loads(), 2);
  assert.equal(await build(page), first);
});

for (const width of [390, 1280]) {
  test(`at ${width} whoever is writing is asked, and loads it when they like`, async (t) => {
    const { wall, upgrade } = await gallery(t);
    const { page, loads } = await open(t, wall, '#/people', { viewport: { width, height: 800 } });
    await page.locator('.say textarea').fill('Half a sen');
    // The draft stays one where its field is not.
    await page.getByRole('link', { name: 'Wall' }).click();
    await page.locator('.tile[data-state=live]').first().waitFor();
    upgrade(SECOND);
    await offer(page).waitFor({ timeout: 20_000 });
    assert.deepEqual(await violations(page), []);
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/upgrade-${width}.png` });
    await page.getByRole('link', { name: 'People' }).click();
    assert.equal(await page.locator('.say textarea').inputValue(), 'Half a sen');
    assert.equal(loads(), 1);
    await page.getByRole('button', { name: 'Load it' }).click();
    await isNow(page, SECOND);
    assert.equal(await offer(page).count(), 0);
  });
}

test('what is refused is not offered again, and loaded once the page is out of sight and free', async (t) => {
  const { wall, upgrade } = await gallery(t);
  const { page, loads } = await open(t, wall, '#/people');
  await page.locator('.say textarea').fill('Half a sen');
  upgrade(SECOND);
  await offer(page).waitFor({ timeout: 20_000 });
  await page.locator('.upgrade').getByRole('button', { name: 'Close' }).click();
  assert.equal(await offer(page).count(), 0);
  const hide = () => page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await hide();
  assert.equal(loads(), 1);
  await page.locator('.say textarea').fill('');
  await page.locator('h1').first().evaluate(() => document.activeElement.blur());
  await hide();
  await isNow(page, SECOND);
});

const BUSY = {
  'shows a camera': async (page) => {
    await page.getByRole('button', { name: 'Show my camera' }).first().click();
    await page.getByRole('dialog').getByRole('textbox').fill('Ana');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Show on the wall' }).waitFor();
  },
  'selects photos': async (page) => {
    await page.goto(`${new URL(page.url()).origin}/#/photos`);
    await page.locator('.grid a').first().waitFor();
    await page.getByRole('button', { name: 'Select', exact: true }).click();
    await page.locator('.floor').waitFor();
  },
  'watches a film': async (page) => {
    await page.goto(`${new URL(page.url()).origin}/#/photos`);
    await page.locator('.day .play').click();
    await page.locator('.dayfilm').waitFor();
  },
  'uploads': async (page) => {
    await page.route('**/upload', () => {});
    await page.goto(`${new URL(page.url()).origin}/#/photos`);
    const chosen = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Add photos' }).first().click();
    await (await chosen).setFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('/9j/4AAQSkZJRgABAQEAYABgAAD/2Q==', 'base64') });
    await page.locator('.loads').waitFor();
  },
};

for (const [what, begin] of Object.entries(BUSY)) {
  test(`nothing is taken from somebody who ${what}`, async (t) => {
    const camera = (await (await fetch(`${vitrina.wall}api/cameras`)).json())[0].camera;
    assert.equal((await fetch(`${vitrina.wall}api/cameras/${camera}/snap`, { method: 'POST' })).status, 201);
    const { wall, upgrade } = await gallery(t);
    const { page, loads } = await open(t, wall);
    await begin(page);
    const before = loads();
    upgrade(SECOND);
    await offer(page).waitFor({ state: 'attached', timeout: 20_000 });
    assert.equal(loads(), before);
  });
}
