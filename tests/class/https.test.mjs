// A class by HTTPS, and pages of a web editor that come in: by wss, by ws of this machine, and by polls.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';

import WebSocket from 'ws';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { freePort } from '../harness/port.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

let vitrina;
let origin;
let ca;
let editor;

before(async () => {
  const port = await freePort();
  origin = `https://editor.example:${port}`;
  const root = folder('clase');
  writeFileSync(join(root, 'datos.json'), '{"hola":1}');
  writeFileSync(join(root, 'index.html'), '<script>var socket = new WebSocket(`ws://${location.host}`)</script>');
  const args = ['class', root, '--http', '0', '--tcp', '0', '--https', '0', '--origin', origin];
  vitrina = await Vitrina.start(args, { set: ['node.test_card.show="never"', 'gallery.hosts=["clase.example"]'] });
  const file = (name) => readFileSync(join(vitrina.data, 'gallery', name));
  ca = file('certificate.pem');
  editor = createServer({ cert: ca, key: file('key.pem') }, (_, answer) => answer.setHeader('content-type', 'text/html').end('<p>editor'));
  await once(editor.listen(port, '127.0.0.1'), 'listening');
});

after(async () => {
  editor?.close();
  editor?.closeAllConnections();
  await vitrina?.stop();
});

/** A request by TLS, whose certificate is checked: `{status, headers, body}`. */
function ask(path, { method = 'GET', headers = {} } = {}) {
  const { port } = vitrina.class.https;
  return new Promise((done, fail) => {
    request({ host: 'localhost', port, path, method, headers, ca }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('end', () => {
        done({ status: answer.statusCode, headers: answer.headers, body: `${Buffer.concat(parts)}` });
      });
    }).on('error', fail).end();
  });
}

test('by TLS everything is there as without, and a page that was not named is refused by its name', async () => {
  const url = `wss://localhost:${vitrina.class.https.port}/`;
  const bare = new WebSocket(vitrina.class.http.href.replace('http', 'ws'));
  await once(bare, 'open');
  for (const headers of [{}, { origin }, { origin: vitrina.class.https.origin }]) {
    const socket = new WebSocket(url, { ca, headers });
    await once(socket, 'open');
    const heard = once(bare, 'message');
    socket.send('por TLS');
    assert.equal(`${(await heard)[0]}`, 'por TLS');
    socket.close();
  }
  const stranger = 'https://preview.example';
  const refused = new WebSocket(url, { ca, origin: stranger });
  refused.on('error', () => {});
  const [, answer] = await once(refused, 'unexpected-response');
  assert.equal(answer.statusCode, 403);
  assert.match(`${(await answer.toArray()).join('')}`, new RegExp(`${stranger}.*--origin`));
  // In a browser nobody sees that answer, but the terminal of the class tells.
  await until('the log names it', () => vitrina.stderr.includes(stranger));
  bare.close();

  assert.deepEqual([(await ask('/datos.json')).body, (await ask('/')).status], ['{"hola":1}', 200]);
  const poll = '/socket.io/?EIO=4&transport=polling';
  for (const path of [poll, '/datos.json']) {
    const allowed = await ask(path, { headers: { origin } });
    assert.deepEqual([allowed.status, allowed.headers['access-control-allow-origin']], [200, origin]);
    assert.match(allowed.headers.vary, /Origin/i);
    const other = await ask(path, { headers: { origin: stranger } });
    assert.equal(other.status, 403);
    assert.match(other.body, new RegExp(`${stranger}.*--origin`));
  }
  const before = await ask('/upload', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  assert.deepEqual([before.status, before.headers['access-control-allow-origin']], [204, origin]);
});

test("a pupil's page that says ws:// works by HTTPS as it is, with the camera of another machine", async (t) => {
  const browser = await launch([...FAKE_CAMERA, '--host-resolver-rules=MAP clase.example 127.0.0.1', '--ignore-certificate-errors']);
  t.after(() => browser.close());
  const page = await browser.newPage();
  const cameras = { http: false, https: true };
  for (const [scheme, hasCamera] of Object.entries(cameras)) {
    await page.goto(`${scheme}://clase.example:${vitrina.class[scheme].port}/`);
    await page.waitForFunction(() => socket.readyState === WebSocket.OPEN);
    assert.equal(await page.evaluate(() => navigator.mediaDevices !== undefined), hasCamera, scheme);
  }
});

test('a page of a web editor takes part once the certificate was accepted', async (t) => {
  // The flag is what somebody does who chooses Advanced, then Proceed.
  const browser = await launch(['--host-resolver-rules=MAP editor.example 127.0.0.1', '--ignore-certificate-errors']);
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(origin);
  const { http, https } = vitrina.class;
  const port = { plain: http.port, secure: https.port };
  await page.addScriptTag({ url: new URL('socket.io/socket.io.js', https).href });
  const seen = await page.evaluate(async ({ plain, secure }) => {
    const open = (url) => new Promise((done) => {
      const socket = new WebSocket(url);
      socket.onopen = () => done('open');
      socket.onerror = () => done('refused');
    });
    const enter = (transports) => new Promise((done) => {
      const socket = io(`https://localhost:${secure}`, { transports, reconnection: false });
      socket.on('connect', () => done(socket));
      socket.on('connect_error', ({ message }) => done({ message }));
    });
    const [polls, socket] = [await enter(['polling']), await enter(['websocket'])];
    const said = new Promise((done) => socket.on('hola', done));
    polls.emit('hola', 'desde el editor');
    return {
      wss: await open(`wss://localhost:${secure}`),
      ws: await open(`ws://localhost:${plain}`),
      said: await said,
      file: await (await fetch(`https://localhost:${secure}/datos.json`)).json(),
    };
  }, port);
  assert.deepEqual(seen, { wss: 'open', ws: 'open', said: 'desde el editor', file: { hola: 1 } });
});

test("who accepted the wall's certificate has accepted the class's", async (t) => {
  const args = ['class', '--http', '0', '--tcp', '0', '--https', '0'];
  const set = ['node.test_card.show="never"', 'gallery.https_listen="127.0.0.1:0"'];
  const house = await Vitrina.start(args, { set });
  t.after(() => house.stop());
  const shown = await Promise.all([house.walls.https, house.class.https].map(async ({ port }) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }));
  assert.equal(shown[0], shown[1]);
  // It is told, to be compared.
  const told = new RegExp(`the class by HTTPS .*${shown[0]}`);
  await until('the log tells it', () => told.test(house.stderr));
});

test('what was typed instead of a port is told', async () => {
  const { code, stderr } = await command(['class', '--https', 'clase']);
  assert.equal(code, 2);
  assert.match(stderr, /name FOLDER before/);
});
