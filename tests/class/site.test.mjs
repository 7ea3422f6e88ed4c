// A class's folder as a site: files, the first page, pages that load themselves again, and who comes in.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import WebSocket from 'ws';

import { launch } from '../harness/chromium.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

/** A class on free ports. */
async function start(t, args) {
  const vitrina = await Vitrina.start(['class', ...args, '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  return vitrina.class.http;
}

/** A request with a path as it is typed: `{status, headers, body}`. */
function ask(site, path, { method = 'GET', headers = {} } = {}) {
  return new Promise((done, fail) => {
    request({ host: site.hostname, port: site.port, path, method, headers }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('end', () => {
        done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) });
      });
    }).on('error', fail).end();
  });
}

test('a folder is a site: types, ranges, unchanged files, and nothing outside', async (t) => {
  const root = folder('public');
  const film = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251));
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>a</title>');
  writeFileSync(join(root, 'film.mp4'), film);
  writeFileSync(join(root, '.env'), 'secret');
  symlinkSync('/etc/passwd', join(root, 'out'));
  const site = await start(t, [root]);
  const home = await ask(site, '/');
  assert.deepEqual([home.status, home.headers['content-type']], [200, 'text/html; charset=utf-8']);
  const again = await ask(site, '/index.html', { headers: { 'if-none-match': home.headers.etag } });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
  const whole = await ask(site, '/film.mp4');
  assert.ok(whole.body.equals(film));
  const head = await ask(site, '/film.mp4', { method: 'HEAD' });
  assert.deepEqual([head.headers['content-length'], head.body.length], ['300000', 0]);
  const part = await ask(site, '/film.mp4', { headers: { range: 'bytes=100000-200001' } });
  assert.deepEqual([part.status, part.headers['content-range']], [206, 'bytes 100000-200001/300000']);
  assert.ok(part.body.equals(film.subarray(100_000, 200_002)));
  const worker = { headers: { 'service-worker': 'script' } };
  assert.deepEqual([(await ask(site, '/index.html', worker)).status, (await ask(site, '/in/sw.js', worker)).status], [403, 404]);
  const other = await ask(site, '/film.mp4', { headers: { range: 'bytes=0-1', 'if-range': '"x"' } });
  assert.equal(other.status, 200);
  assert.equal((await ask(site, '/film.mp4', { headers: { range: 'bytes=300000-' } })).status, 416);
  for (const path of ['/.env', '/out', '/../../etc/passwd', '/%2e%2e/x', '/nothing', '//etc/passwd', '/.git/config']) {
    assert.equal((await ask(site, path)).status, 404, path);
  }
  assert.equal((await ask(site, '/', { method: 'DELETE' })).status, 405);
  assert.equal((await ask(site, '/', { headers: { host: 'evil.example' } })).status, 403);
});

test("what pages load comes along, as the packages have it, and a folder's own goes first", async (t) => {
  const root = folder('public');
  writeFileSync(join(root, 'p5.js'), 'mine');
  const site = await start(t, [root]);
  const file = (path) => readFileSync(fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url)));
  assert.ok((await ask(site, '/p5.min.js')).body.equals(file('p5/lib/p5.min.js')));
  assert.equal(`${(await ask(site, '/p5.js')).body}`, 'mine');
  const client = await ask(site, '/socket.io/socket.io.js');
  assert.ok(client.body.equals(file('socket.io-client/dist/socket.io.min.js')));
  assert.equal((await ask(site, '/socket.io/socket.io.js', { headers: { 'if-none-match': client.headers.etag } })).status, 304);
});

test('the first page is shown until there is one, and with --live pages load again when a file changes', async (t) => {
  const root = folder('clase');
  const site = await start(t, [root, '--live']);
  const browser = await launch();
  t.after(() => browser.close());
  const page = await browser.newPage({ locale: 'es-ES' });
  await page.goto(site.href);
  assert.match(await page.textContent('body'), /está vacía/);
  assert.equal(await page.textContent('.addr'), site.host);
  writeFileSync(join(root, 'a.js'), 'document.title = "uno"');
  writeFileSync(join(root, 'index.html'), '<script src="a.js"></script>');
  await page.goto(site.href);
  await until('it is loaded', async () => (await page.title()) === 'uno');
  writeFileSync(join(root, 'a.js'), 'document.title = "segundo"');
  await until('it loads itself again', async () => (await page.title()) === 'segundo');
  rmSync(join(root, 'index.html'));
});

test('pages of other sites take part only when they are named', async (t) => {
  const elsewhere = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<p>editor')).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  t.after(() => elsewhere.close());
  const browser = await launch(['--host-resolver-rules=MAP editor.example 127.0.0.1']);
  t.after(() => browser.close());
  const origin = `http://editor.example:${elsewhere.address().port}`;
  const [closed, open] = [await start(t, []), await start(t, ['--origin', origin])];
  const page = await browser.newPage();
  await page.goto(origin);
  const tries = (site) => page.evaluate(async ({ http, ws }) => {
    const socket = await new Promise((done) => {
      const socket = new WebSocket(ws);
      socket.onopen = () => done('open');
      socket.onerror = () => done('closed');
    });
    const polls = await fetch(`${http}socket.io/?EIO=4&transport=polling`).then(async (answer) => (await answer.text())[0], () => 'refused');
    return { socket, polls };
  }, { http: site.href, ws: site.href.replace('http', 'ws') });
  assert.deepEqual(await tries(closed), { socket: 'closed', polls: 'refused' });
  assert.deepEqual(await tries(open), { socket: 'open', polls: '0' });
  const refused = await ask(closed, '/socket.io/?EIO=4&transport=polling', { headers: { origin } });
  assert.match(`${refused.body}`, /--origin/);
  // A page that made its own name lead here gets no session.
  const rebound = await ask(closed, '/socket.io/?EIO=4&transport=polling', { headers: { host: 'evil.example' } });
  assert.equal(rebound.status, 403);
  const socket = new WebSocket(closed.href.replace('http', 'ws'), { headers: { origin: 'null' } });
  const [error] = await once(socket, 'error');
  assert.match(error.message, /403/);
});

test('a port that is taken is told with what to do', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address();
  const quiet = ['--set', 'broker.listen=127.0.0.1:0', '--set', 'gallery.listen=127.0.0.1:0'];
  for (const [option, args] of [['--http', ['--tcp', '0']], ['--tcp', ['--http', '0']], ['--https', ['--http', '0', '--tcp', '0']]]) {
    const { code, stderr } = await command(['class', option, `${port}`, ...args, ...quiet]);
    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`another program has port ${port}.*\`${option} ${port + 10}\``));
  }
  const { stderr } = await command(['class', '/no/such/folder', ...quiet]);
  assert.match(stderr, /"\/no\/such\/folder"/);
  assert.match((await command(['class', '--origin', 'editor.p5js.org'])).stderr, /https:\/\/editor/);
});
