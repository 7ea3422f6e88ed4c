// The wall behind nginx and Caddy, with and without a sub-path, and behind proxies that pass on too little.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { blocks, caddy, nginx } from '../harness/proxies.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, tiles } from '../harness/wall.mjs';

let browser;
let vitrina;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show="always"'] });
});

after(() => Promise.all([browser?.close(), vitrina?.stop()]));

/** What the page, and programs, do through a proxy that serves the wall at `base`. */
async function works(base) {
  const page = await browser.newPage();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('websocket', (socket) => asked.push(socket.url().replace(/^ws/, 'http')));
  // As somebody types it.
  await page.goto(base.replace(/\/$/, ''));
  assert.equal(page.url(), base);
  const camera = await until('a tile', async () => Object.keys(await tiles(page))[0]);
  await live(page, camera);
  const photo = await page.evaluate(async (camera) => {
    const snap = async () => (await fetch(`api/cameras/${camera}/snap`, { method: 'POST' })).json();
    // Two, so that the list has a next page.
    await snap();
    const taken = await snap();
    return { id: taken.id, jpeg: (await (await fetch(`photos/${taken.id}`)).arrayBuffer()).byteLength };
  }, camera);
  assert.ok(photo.jpeg > 1000, JSON.stringify(photo));
  await page.locator('.strip a img').first().waitFor();

  // A photo of more than the megabyte that nginx takes by itself.
  const bytes = new Uint8Array(await (await fetch(`${base}photos/${photo.id}`)).arrayBuffer());
  const form = new FormData();
  form.append('image', new Blob([bytes, new Uint8Array(3_000_000)]), 'a.jpg');
  const brought = await fetch(`${base}upload`, { method: 'POST', body: form });
  assert.ok(brought.status === 200 || brought.status === 201, await brought.clone().text());
  const [{ url }] = await brought.json();
  assert.equal((await fetch(new URL(url, base))).status, 200, url);
  const list = await fetch(`${base}api/photos?limit=1`);
  const [, next] = /<([^>]+)>/.exec(list.headers.get('link'));
  assert.equal((await fetch(new URL(next, list.url))).status, 200, next);

  // The address of a room, as somebody types it.
  for (const [typed, shown] of [['photos', '#/photos'], ['people/', '#/people'], ['wall', '#/']]) {
    await page.goto(base + typed);
    assert.equal(page.url(), base + shown);
  }

  // Streams come as they are made, from every address.
  for (const path of ['?action=stream', 'stream', `cameras/${camera}/stream.mjpg`]) {
    const reader = (await fetch(base + path)).body.getReader();
    for (let length = 0; length < 100_000; ) length += (await reader.read()).value.length;
    await reader.cancel();
  }
  for (const path of ['?action=snapshot', 'snapshot', 'webcam/?action=snapshot', 'healthz']) {
    assert.equal((await fetch(base + path)).status, 200, path);
  }
  // The relay is there too.
  const echoed = await page.evaluate(() => new Promise((resolve, reject) => {
    const url = new URL('relay/aula', document.baseURI.replace(/^http/, 'ws'));
    const [one, other] = [new WebSocket(url), new WebSocket(url)];
    other.onmessage = ({ data }) => resolve(data);
    one.onerror = other.onerror = () => reject(new Error('the relay'));
    let open = 0;
    one.onopen = other.onopen = () => ++open === 2 && one.send('hello');
  }));
  assert.equal(echoed, 'hello');
  await page.close();
  const outside = asked.filter((url) => url.startsWith('http') && !url.startsWith(base.replace(/\/$/, '')));
  assert.deepEqual(outside, [], 'nothing is asked for outside of the path');
}

for (const [name, proxy] of [['nginx', nginx], ['caddy', caddy]]) {
  for (const [at, path] of ['/', '/wall/'].entries()) {
    test(`behind ${name} at ${path}, as docs/install.md has it, all works`, async (t) => {
      const { url, stop } = await proxy(blocks(name)[at], vitrina.wall);
      t.after(stop);
      await works(`${url}${path}`);
    });
  }
}

test('a proxy that drops Host or stops WebSockets is told of on the page and in the log, and pictures come', async (t) => {
  const wall = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show="always"'] });
  t.after(() => wall.stop());
  const upgrade = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';
  for (const [what, more, words] of [
    ['nothing', '', 'A proxy changes the Host header'],
    ['no Host', upgrade, 'A proxy changes the Host header'],
    ['no WebSocket', 'proxy_set_header Host $http_host;', 'The live connection does not open'],
  ]) {
    const { url, stop } = await nginx(`location /a/ { proxy_pass http://127.0.0.1:8080/; ${more} }`, wall.wall);
    const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
    await page.goto(`${url}/a/`);
    await page.locator('.toast.bad', { hasText: words }).waitFor({ timeout: 20_000 });
    assert.ok((await page.locator('.toast.bad').innerText()).includes('docs/install.md'), what);
    for (const path of ['?action=snapshot', 'snapshot', 'healthz']) {
      assert.equal((await fetch(`${url}/a/${path}`)).status, 200, `${what} ${path}`);
    }
    await page.context().close();
    await stop();
  }
  const said = wall.stderr.split('\n').filter((line) => line.includes('but the Host header'));
  assert.equal(said.length, 1, wall.stderr);
  assert.ok(said[0].includes('proxy_set_header Host'), said[0]);
});
