// Photos that are taken, uploaded, captioned and deleted, seen by two browsers.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live, tiles } from '../harness/wall.mjs';

let vitrina;
let browser;
let ana;
let bruno;
let card;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.name=here'] });
  ana = await person();
  bruno = await person();
  card = await until('a tile', async () => Object.keys(await tiles(ana))[0]);
  await live(ana, card);
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function person() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  const page = await newPage(context);
  await page.goto(vitrina.wall);
  return page;
}

/** The ids of the photos in the strip or the grid, as they are on the page. */
const ids = (page, where) => page.evaluate((where) =>
  [...document.querySelectorAll(`${where} [data-photo]:not(.coming)`)].map((at) => at.dataset.photo), where);

/** A picture that a browser makes: different at each colour. */
async function picture(colour, type = 'image/jpeg') {
  const data = await ana.evaluate(async ([colour, type]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 200 });
    const context = canvas.getContext('2d');
    context.fillStyle = colour;
    context.fillRect(0, 0, 320, 200);
    return canvas.toDataURL(type);
  }, [colour, type]);
  return Buffer.from(data.split(',')[1], 'base64');
}

/** A drop or paste of files on the page. */
function bring(page, kind, files) {
  return page.evaluate(([kind, files]) => {
    const data = new DataTransfer();
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      data.items.add(new File([bytes], name, { type }));
    }
    const event = kind === 'paste'
      ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
      : new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    document.body.dispatchEvent(event);
  }, [kind, files]);
}

test('who looks at an empty room sees the first photo come, and the last one that is brought back', async () => {
  await bruno.goto(`${vitrina.wall}#/photos`);
  await bruno.getByRole('heading', { name: 'No photos yet' }).waitFor();
  await ana.keyboard.press('s');
  await until('it came', async () => (await ids(bruno, '.grid')).length === 1, { limit: 20_000 });
  await bruno.locator('.grid a').click();
  await bruno.locator('.viewer').waitFor();
  await bruno.keyboard.press('Delete');
  await bruno.getByRole('heading', { name: 'No photos yet' }).waitFor();
  await bruno.keyboard.press('Control+z');
  const [photo] = await until('it is back', async () => {
    const found = await ids(bruno, '.grid');
    return found.length === 1 && found;
  });
  await ana.request.delete(`${vitrina.wall}api/photos/${photo}`);
  await bruno.getByRole('heading', { name: 'No photos yet' }).waitFor();
  await bruno.goto(`${vitrina.wall}#/`);
});

test('the shutter flashes, and the photo is in the strip of all', async () => {
  const tile = ana.locator(`[data-camera="${card}"]`);
  await tile.hover();
  await tile.getByRole('button', { name: /^Take a photo/ }).click();
  const [photo] = await until('it is in the strip of the other', async () => {
    const found = await ids(bruno, '.strip');
    return found.length === 1 && found;
  }, { limit: 20_000 });
  await until('and in the own one', async () => (await ids(ana, '.strip'))[0] === photo);
  const loaded = `(() => { const at = document.querySelector('.strip img'); return at?.complete && at.naturalWidth > 0 })()`;
  await until('its small picture is there', () => bruno.evaluate(loaded));
});

test('the key S takes a photo too', async () => {
  await ana.locator(`[data-camera="${card}"]`).hover();
  await ana.keyboard.press('s');
  await until('two photos', async () => (await ids(bruno, '.strip')).length === 2, { limit: 20_000 });
});

test('pictures are brought by button, drop and paste, and what is none is refused in words', async () => {
  await ana.goto(`${vitrina.wall}#/photos`);
  await bruno.goto(`${vitrina.wall}#/photos`);
  await until('both see two', async () => (await ids(ana, '.grid')).length === 2 && (await ids(bruno, '.grid')).length === 2);

  const chosen = ana.waitForEvent('filechooser');
  await ana.getByRole('button', { name: 'Add photos' }).click();
  const files = [['red.jpg', '#f00'], ['green.jpg', '#0f0']];
  await (await chosen).setFiles(await Promise.all(files.map(async ([name, colour]) =>
    ({ name, mimeType: 'image/jpeg', buffer: await picture(colour) }))));
  await ana.getByRole('button', { name: 'Without a name' }).click();
  await until('both are stored', async () => (await ana.locator('.loads').innerText()).split('Stored').length === 3);
  await until('the other sees them come', async () => (await ids(bruno, '.grid')).length === 4);

  const png = { name: 'blue.png', type: 'image/png', base64: (await picture('#00f', 'image/png')).toString('base64') };
  await bring(ana, 'dragenter', [png]);
  await until('the page asks for it', () => ana.getByText('Drop to add 1 photo').isVisible());
  await bring(ana, 'drop', [png]);
  const pasted = { ...png, name: 'pasted.jpg', type: 'image/jpeg', base64: (await picture('#ff0')).toString('base64') };
  await bring(ana, 'paste', [pasted]);
  await until('both came', async () => (await ids(bruno, '.grid')).length === 6);

  const text = { name: 'text.jpg', type: 'image/jpeg', base64: Buffer.from('no picture').toString('base64') };
  await bring(ana, 'drop', [text]);
  const panel = ana.locator('.loads .failed');
  await until('it is refused', async () => (await panel.innerText()).includes('Not added'));
  assert.match(await panel.innerText(), /This is not a picture[^]*Choose another/);
  await ana.getByRole('button', { name: 'Hide' }).click();
});

test('a photo answers keys before its first frame is drawn', async () => {
  await ana.evaluate(() => new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('.viewer')) return;
      observer.disconnect();
      resolve(dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' })));
    }).observe(document.body, { childList: true, subtree: true });
    document.querySelector('.grid a').click();
  }));
  await until('it is closed', async () => (await ana.locator('.viewer').count()) === 0);
});

test('a photo that still flies to its place is closed by Back', async () => {
  // Bars do not fade under the pointer: nothing else draws the viewer again.
  await ana.mouse.move(40, 28);
  await ana.evaluate(() => new Promise((resolve) => {
    new MutationObserver((_, observer) => {
      const opening = document.querySelector('.pswp--open');
      if (!opening) return;
      observer.disconnect();
      resolve(document.querySelector('.viewer .top button').click());
    }).observe(document.body, { childList: true, subtree: true, attributes: true });
    document.querySelector('.grid a').click();
  }));
  await until('it is closed', async () => (await ana.locator('.viewer').count()) === 0);
  await ana.mouse.move(640, 400);
});

test('a caption takes what is typed before the next frame is drawn', async () => {
  await ana.locator('.grid a').first().focus();
  await ana.keyboard.press('Enter');
  await ana.getByRole('button', { name: 'Write a caption' }).waitFor();
  const focused = await ana.evaluate(async () => {
    document.querySelector('button.caption').click();
    await new Promise((resolve) => setTimeout(resolve));
    return document.activeElement.matches('input.caption');
  });
  assert.ok(focused);
});

test('a caption and a pin are seen by all', async () => {
  await ana.keyboard.type('The first of all');
  await ana.keyboard.press('Enter');
  await ana.keyboard.press('p');
  await until('the other sees both', () =>
    bruno.getByRole('link', { name: /^The first of all, .*, pinned$/ }).isVisible());
});

test('a long caption folds to two lines, and unfolds', async () => {
  const id = new URL(ana.url()).hash.split('/').at(-1);
  const short = await ana.locator('.viewer .caption').evaluate((button) => button.offsetHeight);
  const describe = (caption) => fetch(new URL(`api/photos/${id}`, vitrina.wall), {
    method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ caption }),
  });
  await describe('What the garden gave this year, and who was there to eat it. '.repeat(8));
  const more = ana.getByRole('button', { name: 'More', exact: true });
  await more.waitFor();
  const folded = await ana.locator('.viewer .caption').evaluate((button) => button.offsetHeight);
  assert.ok(folded < 2.2 * short, `${folded} of ${short}`);
  await more.click();
  await until('all of it is there', async () =>
    (await ana.locator('.viewer .caption').evaluate((button) => button.offsetHeight)) > 1.4 * folded);
  await ana.getByRole('button', { name: 'Less', exact: true }).click();
  await describe('The first of all');
  await until('a short one folds nothing', async () =>
    (await ana.getByRole('button', { name: /^(More|Less)$/ }).count()) === 0);
});

test('a mouse finds the photos beside', async () => {
  const shown = ana.url();
  const count = ana.locator('.viewer .count');
  assert.equal(await ana.getByRole('button', { name: 'Previous photo (←)' }).count(), 0, 'before the first is none');
  await ana.getByRole('button', { name: 'Next photo (→)' }).click();
  await until('the next', async () => (await count.innerText()).startsWith('2 of'));
  await ana.getByRole('button', { name: 'Previous photo (←)' }).click();
  await until('the first again', () => ana.url() === shown);
});

test('facts of the picture are told', async () => {
  await ana.keyboard.press('i');
  const facts = ana.locator('.side');
  await until('its size', async () => /320 × 200/.test(await facts.innerText()));
  await ana.keyboard.press('i');
});

test('a deleted photo is gone for all, the next takes its place, and undo brings it back', async () => {
  const before = await ids(bruno, '.grid');
  const shown = new URL(ana.url()).hash.split('/').at(-1);
  await ana.keyboard.press('Delete');
  await until('it is gone for the other', async () => !(await ids(bruno, '.grid')).includes(shown));
  await until('another is shown', () => !ana.url().includes(shown));
  await ana.getByRole('button', { name: 'Undo' }).click();
  await until('it is back', async () => `${await ids(bruno, '.grid')}` === `${before}`);
  await until('and shown again', () => ana.url().includes(shown));
  await ana.keyboard.press('Escape');
  await until('the viewer is closed', async () => (await ana.locator('.viewer').count()) === 0);
});

test('what comes while one looks further down waits as a word', async () => {
  for (let i = 0; i < 30; i++) {
    const colour = `#${(0x111111 * ((i % 14) + 1)).toString(16).slice(-6)}`;
    const jpeg = { name: `${i}.jpg`, type: 'image/jpeg', base64: (await picture(`${colour}${(i + 16).toString(16)}`)).toString('base64') };
    await bring(ana, 'drop', [jpeg]);
  }
  await until('all of them', async () => /[34]\d photos/.test(await bruno.locator('.day .facts').first().innerText()), { limit: 30_000 });
  await bruno.evaluate(() => (document.querySelector('main').scrollTop = 700));
  await until('it is scrolled', () => bruno.evaluate(() => document.querySelector('main').scrollTop > 400));
  const png = { name: 'new.png', type: 'image/png', base64: (await picture('#123', 'image/png')).toString('base64') };
  await bring(ana, 'drop', [png]);
  const word = bruno.getByRole('button', { name: /new photos?$/ });
  await until('the word', () => word.isVisible(), { limit: 20_000 });
  await word.click();
  await until('it is at the top', () => bruno.evaluate(() => document.querySelector('main').scrollTop === 0));
  assert.deepEqual([ana.errors, bruno.errors], [[], []]);
});
