// What `vitrina class --new` writes works as it is, for two pupils each.

import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Child } from '../harness/child.mjs';
import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina, vitrina as command } from '../harness/vitrina.mjs';

const GIF = { name: 'punto.gif', mimeType: 'image/gif', buffer: Buffer.from('R0lGODdhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=', 'base64') };

let browser;

before(async () => {
  browser = await launch(FAKE_CAMERA);
});

after(() => browser?.close());

/** A class with a starter in a language, and two pages of it, of which none may ask another machine. */
async function begin(t, kind, language) {
  const root = join(folder('new'), kind);
  const { code, stderr } = await command(['class', '--new', kind, root], { env: { LANG: language, LC_ALL: '' } });
  assert.equal(code, 0, stderr);
  const vitrina = await Vitrina.start(['class', root, '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const pages = [];
  for (let n = 0; kind !== 'chat' && n < 2; n++) {
    const context = await browser.newContext({ permissions: ['camera'] });
    t.after(() => context.close());
    const page = await context.newPage();
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url())));
    page.errors = [];
    page.on('pageerror', (error) => page.errors.push(error.message));
    await page.goto(vitrina.class.http.href);
    pages.push(page);
    assert.ok(asked.every(({ host, protocol }) => host === vitrina.class.http.host || protocol === 'blob:'), `${asked}`);
  }
  t.after(() => assert.deepEqual(pages.flatMap(({ errors }) => errors), []));
  return { root, vitrina, pages };
}

for (const [language, words] of Object.entries({
  'es_ES.UTF-8': { take: 'Tomar foto', photos: 'fotos', client: 'cliente.py', lang: 'es' },
  'en_GB.UTF-8': { take: 'Take a photo', photos: 'photos', client: 'client.py', lang: 'en' },
})) {
  test(`photos, ${words.lang}`, async (t) => {
    const { pages: [ana, beto] } = await begin(t, 'photos', language);
    for (const page of [ana, beto]) await page.waitForFunction(() => socket?.readyState === 1 && document.querySelector('video')?.videoWidth);
    await ana.getByRole('button', { name: words.take }).click();
    const seen = (page) => page.evaluate((name) => eval(name).length, words.photos);
    await until('it came', async () => (await seen(beto)) === 1);
    await beto.locator('input[type=file]').setInputFiles(GIF);
    await until('it came', async () => (await seen(ana)) === 1);
    assert.equal(await ana.getAttribute('html', 'lang'), words.lang);
  });

  test(`upload, ${words.lang}`, async (t) => {
    const { pages: [ana, beto] } = await begin(t, 'upload', language);
    for (const page of [ana, beto]) await page.waitForFunction(() => socket.connected);
    await ana.locator('input[type=file]').setInputFiles(GIF);
    await ana.locator('button').click();
    for (const page of [ana, beto]) await page.waitForFunction(() => document.images[0]?.naturalWidth === 1);
    await beto.locator('img').click();
    await until('an event of its own', async () => /punto\.gif/.test(await ana.textContent('p')));
  });

  test(`conference, ${words.lang}`, async (t) => {
    const { pages: [ana, beto] } = await begin(t, 'conference', language);
    for (const page of [ana, beto]) {
      await page.waitForFunction(() => {
        const canvas = document.querySelector('div canvas');
        return canvas?.getContext('2d').getImageData(80, 60, 1, 1).data[3] === 255;
      });
    }
  });

  test(`chat, ${words.lang}`, async (t) => {
    const { root, vitrina } = await begin(t, 'chat', language);
    const pupil = (name) => {
      const args = ['-u', join(root, words.client), '127.0.0.1', vitrina.class.tcp.port];
      const child = new Child(process.env.PYTHON ?? '/usr/bin/python3', args, { stdio: ['pipe', 'pipe', 'pipe'] }).unref();
      t.after(() => child.kill());
      child.lines = [];
      createInterface(child.stdout).on('line', (line) => child.lines.push(line));
      child.stdin.write(`${name}\n`);
      return child;
    };
    const [ana, beto] = [pupil('Ana'), pupil('Beto')];
    const reads = (who, text) => until(text, () => who.lines.some((line) => line.endsWith(text)));
    for (const [who, name] of [[ana, 'Ana'], [beto, 'Beto']]) await reads(who, `Tu nombre es ${name}`);
    ana.stdin.end('¿qué tal?\n');
    await reads(beto, '[Ana] ¿qué tal?');
    await reads(beto, '[Ana se ha desconectado]');
  });
}

test('nothing is overwritten', async () => {
  const root = folder('new');
  const first = await command(['class', '--new', 'photos', root]);
  assert.match(first.stdout, /vitrina class /);
  const again = await command(['class', '--new', 'upload', root]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /index\.html is there already/);
});
