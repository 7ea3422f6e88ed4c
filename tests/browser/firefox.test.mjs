// The main way through each room in Firefox.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/firefox.mjs';
import { newPage } from '../harness/page.mjs';
import { Painted, paint } from '../harness/painted.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { changes, live, tiles } from '../harness/wall.mjs';

const SOON = { limit: 30_000 };

let vitrina;
let browser;
let ana;
let card;

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here'] });
  browser = await launch();
  ana = await person();
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

/** A page on the wall, in a profile of its own; `errors` is what went wrong in it. */
async function person() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  const page = await newPage(context);
  await page.goto(vitrina.wall);
  return page;
}

const drawn = (page, selector) => page.evaluate((selector) => {
  const picture = document.querySelector(selector);
  return picture?.complete && picture.naturalWidth;
}, selector);

test('the wall is live', async () => {
  card = await until('a tile', async () => Object.keys(await tiles(ana))[0], SOON);
  await live(ana, card, SOON);
  await changes(ana, card, 10, SOON);
});

test('a photo is taken with the shutter, and comes into the strip', async () => {
  await ana.locator(`[data-camera="${card}"]`).hover();
  await ana.getByRole('button', { name: /^Take a photo/ }).click();
  await ana.locator('.strip [data-photo]:not(.coming) a').waitFor(SOON);
  await until('its small picture is there', () => drawn(ana, '.strip img'), SOON);
});

test('a camera is shown large and named there, and Back returns to the wall', async () => {
  await ana.locator(`[data-camera="${card}"] .open`).click();
  await ana.getByRole('heading', { name: 'Test card' }).waitFor();
  await live(ana, card, SOON);
  await ana.keyboard.press('n');
  const field = ana.getByRole('textbox', { name: 'Name of this camera' });
  await field.fill('The north door of the old house, 北门');
  await ana.keyboard.press('Enter');
  await field.waitFor({ ...SOON, state: 'detached' });
  await ana.getByRole('heading', { name: 'The north door of the old house, 北门' }).waitFor(SOON);
  await ana.evaluate('history.back()');
  await ana.locator('.wall').waitFor();
  await live(ana, card, SOON);
  await until('the focus is on its tile', () => ana.evaluate(
    `document.activeElement.closest('[data-camera]')?.dataset.camera === ${JSON.stringify(card)}`));
});

test('the photo is opened from the strip, written below, pinned, and closed', async () => {
  await ana.locator('.strip a').click();
  const viewer = ana.getByRole('dialog', { name: 'Photo' });
  await viewer.waitFor();
  await until('it is shown in full', async () => (await drawn(ana, '.viewer .pswp__img:not(.pswp__img--placeholder)')) === 1280, SOON);
  await ana.getByRole('button', { name: 'Write a caption' }).click();
  await ana.keyboard.type('From a fox');
  await ana.keyboard.press('Enter');
  await ana.keyboard.press('p');
  await ana.keyboard.press('i');
  await until('its facts', async () => /1280 × 720[^]*pinned/.test(await ana.locator('.side').innerText()), SOON);
  await ana.keyboard.press('Escape');
  await until('it is closed', async () => (await ana.locator('.viewer').count()) === 0);
  await until('the focus is where it was', () => ana.evaluate("document.activeElement.matches('.strip a')"));
});

test('among the photos it stands with its words, and a picture is added by a drop', async () => {
  await ana.keyboard.press('2');
  await ana.getByRole('link', { name: /^From a fox, .*, pinned$/ }).waitFor(SOON);
  await ana.evaluate(async () => {
    const canvas = new OffscreenCanvas(320, 200);
    canvas.getContext('2d').fillRect(0, 0, 320, 200);
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([await canvas.convertToBlob({ type: 'image/jpeg' })], 'black.jpg', { type: 'image/jpeg' }));
    for (const kind of ['dragenter', 'drop']) {
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }
  });
  await ana.getByRole('dialog').getByRole('button', { name: 'Without a name' }).click();
  await until('both stand there', async () => (await ana.locator('.grid [data-photo]').count()) === 2, SOON);
});

test('a word finds what was written, and what is chosen is saved as a ZIP', async () => {
  const count = (number) => until(`${number} stand there`, async () => (await ana.locator('.grid [data-photo]').count()) === number, SOON);
  await ana.getByRole('button', { name: 'any word' }).click();
  await ana.keyboard.type('FOX');
  await count(1);
  await until('it is found', async () => (await ana.locator('.found mark').allInnerTexts()).join() === 'fox', SOON);
  await ana.keyboard.press('Escape');
  await count(2);
  await ana.locator('.grid a').first().focus();
  await ana.keyboard.press('Control+a');
  const [download] = await Promise.all([
    ana.waitForEvent('download'),
    ana.getByRole('button', { name: 'Download ZIP' }).click(),
  ]);
  assert.match(download.suggestedFilename(), /^vitrina-.*\.zip$/);
  await ana.locator('.loads').getByText('Sent').waitFor(SOON);
});

test('a day plays as a film, and the way in for others is told', async () => {
  await ana.getByRole('button', { name: 'Play the day' }).click();
  await until('it has played', async () => (await ana.locator('.dayfilm canvas').getAttribute('data-at')) === '1', SOON);
  await ana.keyboard.press('Escape');
  await until('it has ended', async () => (await ana.locator('.dayfilm').count()) === 0);
  await ana.getByRole('button', { name: 'Invite' }).click();
  await ana.getByRole('dialog', { name: 'Invite' }).waitFor();
  await ana.keyboard.press('Escape');
  await until('it is closed', async () => (await ana.getByRole('dialog').count()) === 0);
});

test('what is said is seen by somebody else, and a camera that is shown is live', async () => {
  const bruno = await person();
  await bruno.keyboard.press('3');
  await bruno.getByRole('log').waitFor();
  await ana.keyboard.press('3');
  await ana.getByRole('textbox', { name: 'Message to everyone' }).fill('Can you see this?');
  await ana.keyboard.press('Enter');
  await ana.getByRole('dialog', { name: 'What should others call you?' }).getByRole('textbox').fill('Ana');
  await ana.keyboard.press('Enter');
  await until('it is read', async () => /Ana\s+Can you see this\?/.test(await bruno.getByRole('log').innerText()), SOON);

  await ana.locator('.me').getByRole('button', { name: 'Show my camera' }).click();
  await ana.getByRole('button', { name: 'Show on the wall' }).click();
  const tile = bruno.locator('.names li', { hasText: 'Ana' }).locator('.tile');
  const camera = await tile.getAttribute('data-camera', { timeout: SOON.limit });
  await live(bruno, camera, SOON);
  await changes(bruno, camera, 3, SOON);
  await ana.getByRole('button', { name: 'Take a photo', exact: true }).click();
  await bruno.keyboard.press('1');
  await bruno.getByRole('link', { name: /^Ana, today/ }).waitFor(SOON);
  assert.deepEqual([ana.errors, bruno.errors], [[], []]);
});

test('tiles are put elsewhere by mouse and keys, and one is hidden', async () => {
  const node = await Painted.start(vitrina.ready.broker, 'house');
  const page = await person();
  try {
    const [picture] = await paint(page.context(), [[640, 360]]);
    for (const camera of ['a', 'b', 'c']) node.add(camera, picture, { size: '640x360' });
    const order = () => page.evaluate(`[...document.querySelectorAll('.wall .tile')].map(({ dataset }) => dataset.camera).filter((name) => name.startsWith('house/')).map((name) => name.slice(6)).join('')`);
    const shows = (wanted) => until(`the wall shows ${wanted}`, async () => {
      const now = await order();
      if (now === wanted) return true;
      throw new Error(now);
    }, SOON);
    await shows('abc');
    await live(page, 'house/c', SOON);
    const middle = async (camera) => {
      const { x, y, width, height } = await page.locator(`.wall [data-camera="house/${camera}"]`).boundingBox();
      return { x: x + width * 0.4, y: y + height / 2 };
    };
    const [from, to] = [await middle('c'), await middle('a')];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(from.x - 20, from.y, { steps: 3 });
    await page.mouse.move(to.x, to.y, { steps: 6 });
    await page.mouse.up();
    await shows('cab');
    await page.locator('.wall [data-camera="house/b"] .open').focus();
    await page.keyboard.press('Shift+ArrowLeft');
    await shows('cba');
    await page.keyboard.press('h');
    await shows('ca');
    await page.keyboard.press('Enter');
    await page.reload();
    await shows('ca');
    assert.deepEqual(page.errors, []);
  } finally {
    await page.context().close();
    await node.stop();
  }
});
