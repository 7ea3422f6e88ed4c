// Uploads: through outages, by whom, and of files that the gallery does not accept.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { setTimeout as pause } from 'node:timers/promises';

import { launch } from '../harness/chromium.mjs';
import { Link } from '../harness/link.mjs';
import { segments } from '../harness/jpeg.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

/** Bytes a second upwards, so that an upload takes some seconds. */
const UPWARD = 600_000;
const PICTURES = 6;
const MOST = '1 MiB';

let browser;
let vitrina;
let link;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here', `gallery.pictures.upload=${MOST}`] });
  link = await Link.to(Number(new URL(vitrina.wall).port));
});

after(async () => {
  await browser?.close();
  link?.close();
  await vitrina?.stop();
});

/** A page of somebody with a name; null is nobody yet. */
async function person(name, upward = -1) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  const page = await newPage(context);
  if (upward > 0) {
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    await network.send('Network.emulateNetworkConditions', {
      offline: false, latency: 5, downloadThroughput: -1, uploadThroughput: upward,
    });
  }
  await page.goto(`http://127.0.0.1:${link.port}/#/${name === null ? 'photos' : 'people'}`);
  if (name === null) {
    await page.getByRole('button', { name: 'Add photos' }).waitFor();
    await page.locator('.bar .here').first().waitFor({ state: 'attached', timeout: 1_000 }).catch(() => {});
    return page;
  }
  await page.getByRole('textbox', { name: 'Message to everyone' }).fill('Hello');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Your name' }).fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await page.locator('.self').waitFor();
  await page.evaluate(() => (location.hash = '#/photos'));
  return page;
}

/** Drops pictures of noise on the page: `{name, type, width, height, before}`; all differ. */
function drop(page, pictures) {
  return page.evaluate(async (pictures) => {
    const data = new DataTransfer();
    for (const { name, type = 'image/jpeg', width, height, before = null, bytes = null } of pictures) {
      let parts = [bytes ? Uint8Array.from(bytes) : null];
      if (!bytes) {
        const canvas = Object.assign(document.createElement('canvas'), { width, height });
        const context = canvas.getContext('2d');
        const noise = context.createImageData(width, height);
        for (let i = 0; i < noise.data.length; i++) noise.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
        context.putImageData(noise, 0, 0);
        const blob = await new Promise((done) => canvas.toBlob(done, type, 0.9));
        parts = before ? [blob.slice(0, 2), Uint8Array.from(before), blob.slice(2)] : [blob];
      }
      data.items.add(new File(parts, name, { type, lastModified: Date.UTC(2024, 4, 1) }));
    }
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  }, pictures);
}

const noises = (word, count = PICTURES) =>
  Array.from({ length: count }, (_, i) => ({ name: `${word}-${i}.jpg`, width: 700, height: 500 }));

const panel = (page) => page.locator('.loads');
const says = (page, what, options) => until(`the panel says ${what}`, async () => {
  const text = await panel(page).innerText();
  if (what.test(text)) return text;
  throw new Error(text);
}, options);

/** The photos that the gallery has whose file is called like that. */
async function stored(word) {
  const photos = await (await fetch(new URL('api/photos?limit=500', vitrina.wall))).json();
  return photos.filter(({ name = '' }) => name.startsWith(word));
}

const OUTAGES = {
  stopped: {
    begin: () => vitrina.kill(),
    end: () => vitrina.again(),
  },
  cut: {
    begin: () => link.pull(),
    end: () => link.plug(),
  },
  frozen: {
    begin: () => vitrina.signal('SIGSTOP'),
    end: () => vitrina.signal('SIGCONT'),
  },
};

for (const [how, { begin, end }] of Object.entries(OUTAGES)) {
  for (const seconds of [3, 15]) {
    test(`the gallery is ${how} for ${seconds} s while photos are brought: all are stored once, by themselves`, async () => {
      const word = `${how}${seconds}`;
      const page = await person('Ana', UPWARD);
      await drop(page, noises(word));
      await says(page, /\d %/);
      await until('some of it is under way', async () => /[1-9]\d? %/.test(await panel(page).innerText()));
      await begin();
      await pause(seconds * 1000);
      assert.equal(await panel(page).locator('button', { hasText: 'Try again' }).count(), 0, 'nothing is to be done');
      await end();
      const text = await says(page, /photos added/, { limit: 60_000, every: 200 });
      assert.match(text, new RegExp(`^${PICTURES} photos added`), 'each is stored, and none was here before');
      const photos = await stored(word);
      assert.equal(photos.length, PICTURES);
      assert.deepEqual(new Set(photos.map(({ person }) => person?.name)), new Set(['Ana']), 'and they are still hers');
      assert.deepEqual(page.errors, []);
      await page.context().close();
    });
  }
}

test('who leaves while something is on its way is asked, and who leaves after that is not', async () => {
  const page = await person('Ana', UPWARD / 2);
  const asked = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    return dialog.dismiss();
  });
  await page.mouse.click(640, 10);
  await drop(page, noises('leaving', 4));
  await says(page, /\d %/);
  await page.evaluate(() => setTimeout(() => location.reload()));
  await until('it is asked', () => asked.length === 1);
  await says(page, /4 photos added/, { limit: 30_000 });
  await page.evaluate(() => setTimeout(() => location.reload()));
  await until('it is gone', async () => (await panel(page).count()) === 0);
  assert.deepEqual(asked, ['beforeunload']);
  await page.context().close();
});

test('the same picture again is said to be here, and the way to it leads back to where one was', async () => {
  const page = await person('Ana');
  const [one] = noises('again', 1);
  const bytes = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 60, height: 40 });
    canvas.getContext('2d').fillRect(0, 0, 30, 40);
    const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg'));
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  await drop(page, [{ ...one, bytes }]);
  await says(page, /1 photo added/);
  const [photo] = await stored('again');
  await page.getByRole('link', { name: 'Wall' }).click();
  await drop(page, [{ ...one, bytes }]);
  await says(page, /1 photo already here/);
  await panel(page).getByRole('link', { name: 'Already here' }).click();
  await until('it is shown', () => page.url().endsWith(`#/photo/${photo.id}`));
  await page.keyboard.press('Escape');
  await until('the wall again', () => page.url().endsWith('#/'));
  assert.equal((await stored('again')).length, 1);
  await page.context().close();
});

/** An Exif segment: turned by a quarter, taken on 2 March 2021. */
function exif() {
  const date = Buffer.from('2021:03:02 10:11:12\0');
  const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4 + date.length);
  tiff.write('MM\0*', 0, 'latin1');
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(2, 8);
  const entry = (at, tag, type, count, value) => {
    tiff.writeUInt16BE(tag, at);
    tiff.writeUInt16BE(type, at + 2);
    tiff.writeUInt32BE(count, at + 4);
    if (type === 3) tiff.writeUInt16BE(value, at + 8);
    else tiff.writeUInt32BE(value, at + 8);
  };
  entry(10, 0x0112, 3, 1, 6);
  entry(22, 0x0132, 2, date.length, 38);
  date.copy(tiff, 38);
  const body = Buffer.concat([Buffer.from('Exif\0\0'), tiff]);
  return [...Buffer.concat([Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]), body])];
}

test('a picture above the limit is offered smaller, upright and with its date', async () => {
  const page = await person('Ana');
  await drop(page, [
    { name: 'large.jpg', width: 1800, height: 1200, before: exif() },
    { name: 'large-too.png', type: 'image/png', width: 900, height: 600 },
  ]);
  await says(page, /large\.jpg[^]*the most is 1 MiB[^]*large-too\.png[^]*1\.\d+ MiB; the most is 1 MiB/);
  assert.deepEqual(await stored('large'), []);
  for (let left = 2; left > 0; left--) {
    await page.getByRole('button', { name: 'Add it smaller' }).first().click();
    await until('it is under way', async () => (await page.getByRole('button', { name: 'Add it smaller' }).count()) < left);
  }
  await says(page, /2 photos added/, { limit: 20_000 });
  const [jpeg, png] = (await stored('large')).sort((a, b) => b.name.length - a.name.length).reverse();
  assert.deepEqual([jpeg.name, jpeg.type, jpeg.time], ['large.jpg', 'image/jpeg', 'exif']);
  assert.equal(new Date(jpeg.taken).getFullYear(), 2021);
  assert.ok(jpeg.height > jpeg.width && Math.abs(jpeg.height / jpeg.width - 1.5) < 0.01, 'it stands upright');
  assert.deepEqual([png.name, png.type, png.time], ['large-too.jpg', 'image/jpeg', 'file']);
  assert.deepEqual([png.width, png.height], [900, 600], 'as JPEG it needs no other size');
  for (const { bytes } of [jpeg, png]) assert.ok(bytes <= 1 << 20, `${bytes}`);
  const file = Buffer.from(await (await fetch(new URL(`photos/${jpeg.id}`, vitrina.wall))).arrayBuffer());
  assert.ok([...segments(file)].length > 3, 'it is a whole JPEG');
  await page.context().close();
});

test('a picture of another kind is called by its name; what the browser can read is offered as JPEG', async () => {
  const page = await person('Ana');
  const heic = [...Buffer.from('\0\0\0\x24ftypheic\0\0\0\0mif1heic', 'latin1')];
  const bmp = Buffer.alloc(54 + 4 * 4 * 3, 200);
  bmp.write('BM', 0);
  for (const [at, value] of [[2, bmp.length], [6, 0], [10, 54], [14, 40], [18, 4], [22, 4], [30, 0], [34, 48], [38, 0], [42, 0], [46, 0], [50, 0]]) bmp.writeUInt32LE(value, at);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  await drop(page, [
    { name: 'phone.heic', type: 'image/heic', bytes: heic },
    { name: 'named.jpg', bytes: heic },
    { name: 'paint.bmp', type: 'image/bmp', bytes: [...bmp] },
    { name: 'notes.txt', type: 'text/plain', bytes: [104, 105] },
  ]);
  const text = await says(page, /4 photos not added/);
  assert.match(text, /phone\.heic[^]*This is HEIC\. Save it as JPEG first; an iPhone does with[^]*named\.jpg[^]*This is HEIC/);
  assert.match(text, /paint\.bmp[^]*This is BMP[^]*Add it as JPEG[^]*notes\.txt[^]*This is not a picture/);
  await page.getByRole('button', { name: 'Add it as JPEG' }).click();
  await says(page, /1 photo added, 3 photos not added/);
  assert.deepEqual((await stored('paint')).map(({ name, type }) => [name, type]), [['paint.jpg', 'image/jpeg']]);

  const chosen = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Add photos' }).click();
  const accept = await (await chosen).element().getAttribute('accept');
  assert.equal(accept, 'image/jpeg,image/png,image/webp,image/gif', 'so an iPhone hands over JPEG');
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('a photo added in Photos asks the name once, and goes without one if that is wanted', async () => {
  const named = await person(null);
  await drop(named, noises('named', 1));
  await named.getByRole('textbox', { name: 'Your name' }).fill('Carla');
  assert.deepEqual(await stored('named'), [], 'it waits for the name');
  await named.getByRole('button', { name: 'Join' }).click();
  await says(named, /1 photo added/);
  assert.equal((await stored('named'))[0].person?.name, 'Carla');

  const nobody = await person(null);
  await drop(nobody, [{ name: 'notes.txt', type: 'text/plain', bytes: [104, 105] }]);
  await says(nobody, /This is not a picture/);
  assert.equal(await nobody.getByRole('dialog').count(), 0, 'what is no picture needs no name');
  await drop(nobody, noises('nobody', 1));
  await nobody.getByRole('button', { name: 'Without a name' }).click();
  await says(nobody, /1 photo added, 1 photo not added/);
  await drop(nobody, noises('nobody-again', 1));
  await until('it is not asked again', async () => (await stored('nobody')).length === 2);
  assert.ok((await stored('nobody')).every(({ person }) => person === undefined));
  for (const page of [named, nobody]) await page.context().close();
});

test('the address of a room leads into it', async () => {
  const page = await person(null);
  for (const [typed, hash, seen] of [
    ['wall', '#/', '[data-camera]'],
    ['photos', '#/photos', '.ask'],
    ['people', '#/people', '.hall'],
    ['photos?camera=here/test', '#/photos?camera=here/test', '.page'],
  ]) {
    await page.goto(new URL(typed, vitrina.wall).href);
    await page.locator(seen).first().waitFor();
    assert.equal(new URL(page.url()).pathname + new URL(page.url()).hash, `/${hash}`);
  }
  await page.context().close();
});
