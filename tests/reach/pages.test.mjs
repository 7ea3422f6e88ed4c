// The wall and its pictures on pages of others.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { elsewhere } from '../harness/elsewhere.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, tiles } from '../harness/wall.mjs';

let browser;

before(async () => {
  browser = await launch(['--host-resolver-rules=MAP *.test 127.0.0.1']);
});

after(() => browser?.close());

const start = (...set) => Vitrina.start([], { set: ['node.name=here', 'node.test_card.show="always"', ...set] });

/** The first camera, once it works. */
const camera = (vitrina) => until('a camera works', async () => {
  const [first] = await (await fetch(`${vitrina.wall}api/cameras`)).json();
  return first && first.state !== 'lost' && first.camera;
});

/** What a page can do with the pictures at some addresses: by script, in a canvas, in `<img>`. */
const tries = (page, base, paths) => page.evaluate(async ([base, paths]) => {
  const image = (src, crossOrigin) => new Promise((resolve) => {
    const image = new Image();
    if (crossOrigin) image.crossOrigin = crossOrigin;
    image.onload = () => resolve(image.naturalWidth > 0);
    image.onerror = () => resolve(false);
    image.src = src;
  });
  const read = async (path, options) => {
    try {
      const reader = (await fetch(base + path, options)).body.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return value.length > 0;
    } catch {
      return false;
    }
  };
  return Promise.all(paths.map(async (path) => ({
    path,
    fetch: await read(path),
    // With a header that no form can send, the browser asks first.
    asked: await read(path, { headers: { 'cache-control': 'no-cache', 'x-mine': '1' } }),
    canvas: path.includes('stream') ? null : await image(`${base}${path}`, 'anonymous'),
    img: path.includes('stream') ? null : await image(`${base}${path}`),
  })));
}, [base, paths]);

const PATHS = ['/?action=snapshot', '/?action=stream', '/snapshot', '/webcam/stream'];

test('a page of another port of the host, or of a listed origin, reads live pictures; others only show them', async (t) => {
  const other = await elsewhere('<title>other</title>');
  t.after(other.close);
  const vitrina = await start(`gallery.cors_origins=["${other.url}"]`);
  t.after(() => vitrina.stop());
  const paths = [...PATHS, `/cameras/${await camera(vitrina)}/snapshot.jpg`];
  const base = vitrina.wall.replace(/\/$/, '');
  const page = await browser.newPage();
  for (const [url, may] of [
    [other.url, true],
    [`http://127.0.0.1:${other.port}`, true],
    [`http://stranger.test:${other.port}`, false],
  ]) {
    await page.goto(url);
    for (const { path, fetch, asked, canvas, img } of await tries(page, base, paths)) {
      assert.deepEqual({ fetch, asked }, { fetch: may, asked: may }, `${url} ${path}`);
      if (canvas !== null) assert.deepEqual({ canvas, img }, { canvas: may, img: true }, `${url} ${path}`);
    }
  }
  await page.close();
});

test('a page that is listed shows the wall in a frame, live and able to change things; another may not', async (t) => {
  const vitrina = await start();
  t.after(() => vitrina.stop());
  const other = await elsewhere(`<iframe src="${vitrina.wall}" width="1000" height="700"></iframe>`);
  t.after(other.close);
  const page = await browser.newPage();
  const refusals = [];
  page.on('console', (message) => refusals.push(message.text()));
  await page.goto(other.url);
  await until('the browser says why not', () => refusals.some((text) => text.includes('frame-ancestors')));

  await vitrina.stop();
  const listed = await start(`gallery.frame_origins=["${other.url}"]`, `gallery.listen=${new URL(vitrina.wall).host}`);
  t.after(() => listed.stop());
  await page.goto(other.url);
  const frame = await until('the frame', () => page.frames().find((frame) => frame.url() === listed.wall));
  const name = await until('a tile', async () => Object.keys(await tiles(frame))[0]);
  await live(frame, name);
  const taken = await frame.evaluate(async (name) => (await fetch(`api/cameras/${name}/snap`, { method: 'POST' })).status, name);
  assert.equal(taken, 201);
  await page.close();
});
