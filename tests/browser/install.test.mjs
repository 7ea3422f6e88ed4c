// The page as an app: it can be installed, and started while its gallery is away it says so.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { createServer } from 'node:http';

import { chromium } from 'playwright-core';

import { EXECUTABLE, FLAGS } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { blocks, nginx } from '../harness/proxies.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, tiles } from '../harness/wall.mjs';

const SOON = { limit: 30_000 };

let vitrina;
let context;

before(async () => {
  // To a browser this name is another machine's.
  const flags = [...FLAGS, '--host-resolver-rules=MAP wall.test 127.0.0.1', '--ignore-certificate-errors'];
  // What is private installs nothing.
  context = await chromium.launchPersistentContext(folder('profile'), {
    executablePath: EXECUTABLE, args: flags, locale: 'en-GB', viewport: { width: 390, height: 844 }, reducedMotion: 'reduce',
  });
  vitrina = await Vitrina.start([], {
    set: ['node.name=here', 'gallery.https_listen="127.0.0.1:0"', 'gallery.hosts=["wall.test"]'],
  });
});

after(async () => {
  await context?.close();
  await vitrina?.stop();
});

/** Opens the page at an address, and waits until its service worker keeps it. */
async function enter(address) {
  const page = await newPage(context);
  await page.goto(address);
  await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
  return page;
}

const heading = (page) => page.getByRole('heading', { name: 'The gallery is away' });

/** The caches of the page's origin: `{name: [path]}`. */
const kept = (page) => page.evaluate(async () => {
  const all = {};
  for (const name of await caches.keys()) {
    all[name] = (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname);
  }
  return all;
});

test('Chromium finds nothing that is in the way of installing it', async () => {
  const page = await enter(vitrina.wall);
  const devtools = await context.newCDPSession(page);
  const { url, errors, manifest } = await devtools.send('Page.getAppManifest');
  assert.equal(url, `${vitrina.wall}manifest.webmanifest`);
  assert.deepEqual(errors, []);
  assert.equal(manifest.startUrl, vitrina.wall);
  const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors');
  assert.deepEqual(installabilityErrors, []);
  const marks = await page.evaluate(async () => {
    const { icons } = await (await fetch('manifest.webmanifest')).json();
    const links = [...document.querySelectorAll('link[rel~=icon], link[rel=apple-touch-icon]')];
    const all = [...icons.map(({ src, sizes, purpose }) => [src, sizes, purpose]), ...links.map((at) => [at.href, at.getAttribute('sizes') ?? '180x180'])];
    return Promise.all(all.map(async ([src, sizes, purpose]) => {
      const { naturalWidth, naturalHeight } = await new Promise((resolve, reject) => {
        const image = new Image();
        image.onload = () => resolve(image);
        image.onerror = () => reject(new Error(src));
        image.src = src;
      });
      return [sizes, sizes === 'any' ? sizes : `${naturalWidth}x${naturalHeight}`, purpose];
    }));
  });
  for (const [said, is] of marks) assert.equal(is, said);
  assert.deepEqual(marks.map(([, is, purpose]) => [is, purpose ?? '']).sort(), [
    ['180x180', ''], ['192x192', 'any'], ['192x192', 'maskable'], ['32x32', ''], ['512x512', 'any'], ['512x512', 'maskable'], ['any', ''],
  ]);
  assert.deepEqual(page.errors, []);
  await page.close();
});

test('started while the gallery is away it says so, shows no old picture, and is live when it returns', async () => {
  let page = await enter(vitrina.wall);
  const card = await until('a tile', async () => Object.keys(await tiles(page))[0], SOON);
  await live(page, card, SOON);
  await page.goto(`${vitrina.wall}#/photos`);
  await fetch(`${vitrina.wall}api/cameras/${card}/snapshot`, { method: 'POST' });
  await page.goto(`${vitrina.wall}#/people`);
  for (const [name, files] of Object.entries(await kept(page))) {
    for (const file of files) assert.match(file, /^\/([\w-]+-[0-9A-Z]{8}\.(js|css|woff2|svg))?$/, name);
  }
  await page.close();
  await vitrina.kill();
  page = await newPage(context);
  await page.goto(`${vitrina.wall}?from=home#/`);
  await heading(page).waitFor();
  await page.locator('.lost-line').waitFor();
  assert.equal(await page.locator('canvas').count(), 0);
  assert.equal(await page.evaluate("fetch('api/cameras').then(() => 'answered', () => 'away')"), 'away');
  await vitrina.again();
  await live(page, card, SOON);
  assert.equal(await heading(page).count(), 0);
  assert.deepEqual(page.errors, []);
  await page.close();
});

test('below the path of a proxy it is an app of its own, also while the proxy has no gallery', async () => {
  const other = await Vitrina.start([], { set: ['node.name=other'] });
  const proxy = await nginx(blocks('nginx')[1], other.wall);
  const wall = `${proxy.url}/wall/`;
  let page = await enter(wall);
  const devtools = await context.newCDPSession(page);
  assert.equal((await devtools.send('Page.getAppManifest')).manifest.startUrl, wall);
  assert.deepEqual((await devtools.send('Page.getInstallabilityErrors')).installabilityErrors, []);
  assert.ok(Object.keys(await kept(page)).every((name) => name.startsWith(`vitrina ${wall} `)));
  await page.close();
  await other.kill();
  page = await newPage(context);
  assert.ok((await fetch(wall)).status >= 500);
  await page.goto(wall);
  await heading(page).waitFor();
  await page.close();
  await proxy.stop();
  await other.stop();
});

test('a page that changed at the gallery is shown at the next start, and kept when nothing uses the old one', async () => {
  const [, app] = /"(app-\w{8}\.js)"/.exec(await (await fetch(vitrina.wall)).text());
  let changed = false;
  const server = createServer(async (request, response) => {
    const path = request.url.slice(1).replace('app-AAAAAAAA.js', app);
    const from = await fetch(`${vitrina.wall}${path}`).catch(() => null);
    if (!from) return void response.destroy();
    let body = Buffer.from(await from.arrayBuffer());
    const isPage = path === '' || path === 'service-worker.js';
    if (changed && isPage) {
      const text = body.toString().replaceAll(app, 'app-AAAAAAAA.js');
      body = Buffer.from(text.replace(/"[0-9A-F]{8}"/, '"AAAAAAAA"'));
    }
    response.writeHead(from.status, { 'Content-Type': from.headers.get('content-type'), 'Cache-Control': 'no-cache' });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const wall = `http://127.0.0.1:${server.address().port}/`;
  const script = (page) => page.evaluate("document.querySelector('script').src.split('/').pop()");
  try {
    let page = await enter(wall);
    assert.equal(await script(page), app);
    changed = true;
    await page.reload();
    assert.equal(await script(page), 'app-AAAAAAAA.js');
    await page.evaluate("navigator.serviceWorker.getRegistration().then((it) => it.update())");
    await until('the new one is kept, too', async () => Object.keys(await kept(page)).length === 2);
    await page.close();
    // A page that is opened while the last one still closes is one more that uses the old one.
    await until('the old one is gone', async () => {
      page = await newPage(context);
      await page.goto(wall);
      const now = Object.keys(await kept(page));
      if (now.length === 1 && now[0].endsWith('AAAAAAAA')) return true;
      await page.close();
      return false;
    }, { ...SOON, every: 500 });
    server.closeAllConnections();
    server.close();
    await page.reload();
    await heading(page).waitFor();
    assert.equal(await script(page), 'app-AAAAAAAA.js');
    await page.close();
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('by plain HTTP from another machine the page says what it takes, and leads there', async () => {
  const { http, https } = vitrina.walls;
  const page = await newPage(context);
  await page.goto(`http://wall.test:${http.port}/#/people`);
  assert.equal(await page.evaluate("'serviceWorker' in navigator"), false);
  const link = page.getByRole('link', { name: 'As an app only over HTTPS' });
  await link.waitFor();
  assert.equal(await link.evaluate((at) => at.href), `https://wall.test:${https.port}/#/people`);
  assert.deepEqual(page.errors, []);
  await page.close();
});
