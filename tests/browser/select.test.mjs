// Many photos at once: chosen by mouse, finger and keys, changed and deleted, and all of it undone.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { Album } from '../harness/album.mjs';
import { violations } from '../harness/axe.mjs';
import { brought } from '../harness/brought.mjs';
import { launch } from '../harness/chromium.mjs';
import { bring } from '../harness/heavy.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const NOON = new Date().setHours(12, 0, 0, 0);

let vitrina;
let browser;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.test_card.show=never'] });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function photos(t, album, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  t.after(() => context.close());
  await album?.serve(context);
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}#/photos`);
  await page.locator('.grid a').first().waitFor();
  return page;
}

const bar = (page) => page.getByRole('toolbar');
const said = (page, text) => bar(page).getByRole('status').filter({ hasText: new RegExp(`^${text}$`) }).waitFor();

test('the ring, Shift, any click and Space choose; Esc ends', async (t) => {
  const page = await photos(t, new Album(400, 3, NOON));
  const cell = (n) => page.locator('.grid li').nth(n);
  await cell(1).hover();
  await cell(1).locator('.pick').click();
  await said(page, '1 selected');
  await cell(4).locator('a').click({ modifiers: ['Shift'] });
  await said(page, '4 selected');
  await cell(3).locator('a').click();
  await said(page, '3 selected');
  assert.equal(await page.locator('.viewer').count(), 0, 'a click opens nothing meanwhile');
  await cell(6).locator('a').focus();
  await page.keyboard.press('Space');
  await said(page, '4 selected');
  assert.equal(await cell(6).locator('.pick').getAttribute('aria-checked'), 'true');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+Space');
  await said(page, '6 selected');
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press('Escape');
  await until('the bar is gone', async () => (await bar(page).count()) === 0);
  await cell(0).locator('a').click();
  await page.locator('.viewer').waitFor();
  assert.deepEqual(page.errors, []);
});

test('Ctrl with A takes the day, also where most of it was never loaded; again it leaves it', async (t) => {
  const album = new Album(2_000, 2, NOON);
  const page = await photos(t, album);
  await page.locator('.grid a').first().focus();
  await page.keyboard.press('Control+a');
  const today = album.photos.filter(({ taken }) => taken >= new Date().setHours(0, 0, 0, 0)).length;
  assert.ok(today > 450);
  await said(page, `${today}`.replace(/^(\d)(\d{3})$/, '$1,$2') + ' selected');
  await page.keyboard.press('Control+a');
  await said(page, 'None selected');
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual(page.errors, []);
});

test('a range goes over what is not loaded', async (t) => {
  const album = new Album(3_000, 5, NOON);
  const page = await photos(t, album);
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  await said(page, 'None selected');
  await page.locator('.grid a').first().click();
  await said(page, '1 selected');
  await page.locator('.grid a').first().focus();
  await page.keyboard.press('End');
  await until('the last has the focus', () => page.evaluate(`document.activeElement.dataset.photo === ${JSON.stringify(album.photos.at(-1).id)}`));
  await page.keyboard.press('Shift+Space');
  await said(page, '3,000 selected');
});

test('a long press begins, and a tap goes on, in Spanish on a phone', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, locale: 'es-ES', hasTouch: true, isMobile: true };
  const page = await photos(t, new Album(60, 2, NOON), phone);
  const box = await page.locator('.grid a').first().boundingBox();
  const finger = await page.context().newCDPSession(page);
  const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await finger.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point] });
  await said(page, '1 elegida');
  await finger.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.locator('.grid a').nth(1).tap();
  await said(page, '2 elegidas');
  assert.deepEqual(await violations(page), []);
  const { right, bottom } = await bar(page).evaluate((bar) => bar.getBoundingClientRect().toJSON());
  assert.ok(right <= 390 && bottom <= 844, 'all of the bar is seen');
  await page.getByRole('button', { name: 'Elegir el día' }).first().tap();
  await until('the whole day', async () => !/^2 /.test(await bar(page).getByRole('status').innerText()));
  await page.getByRole('button', { name: 'Cancelar' }).tap();
  await until('the bar is gone', async () => (await bar(page).count()) === 0);
});

const stored = async () => (await (await fetch(`${vitrina.wall}api/photos?limit=500`)).json());
const edits = (ids, edit) => fetch(`${vitrina.wall}api/photos/edits`, { method: 'POST', body: JSON.stringify({ ids, edit }) });

test('all that are chosen are pinned, captioned and deleted, and one Undo takes each back', async (t) => {
  await brought(vitrina, browser, 12);
  const page = await photos(t);
  const all = async () => {
    await page.locator('.grid a').first().focus();
    await page.keyboard.press('Control+a');
    await said(page, '12 selected');
  };
  const undone = async (what, is) => {
    await page.getByRole('button', { name: 'Undo' }).click();
    await until(what, async () => (await stored()).length === 12 && (await stored()).every(is));
  };
  await all();
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await page.getByText('12 photos pinned').first().waitFor();
  await until('they are pinned', async () => (await stored()).every(({ pinned }) => pinned));
  await undone('none is pinned', ({ pinned }) => !pinned);

  await all();
  await page.keyboard.press('c');
  await page.keyboard.type('At the lake');
  await page.keyboard.press('Enter');
  await until('they have it', async () => (await stored()).every(({ caption }) => caption === 'At the lake'));
  await undone('none has it', ({ caption }) => !caption);

  await all();
  await page.keyboard.press('Delete');
  await page.getByText('12 photos deleted').first().waitFor();
  await until('they are gone', async () => (await stored()).length === 0);
  await undone('they are back', () => true);
  await until('on the page too', async () => (await page.locator('.grid a').count()) === 12);
  assert.deepEqual(page.errors, []);
});

test('one that cannot be edited keeps no other back, and too many are refused as a whole', async () => {
  const [{ id }] = await stored();
  const nobody = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const answer = await (await edits([nobody, id], { change: { pinned: true } })).json();
  assert.deepEqual(answer.photos.map(({ id, pinned }) => [id, pinned]), [[id, true]]);
  assert.deepEqual(answer.refused.map(({ id, status }) => [id, status]), [[nobody, 404]]);
  assert.equal((await edits(Array(257).fill(id), 'delete')).status, 400);
  assert.equal((await edits([], 'delete')).status, 400);
  assert.equal((await edits([id], 'burn')).status, 400);
  assert.equal((await edits([id], { change: { caption: 'x'.repeat(501) } })).status, 400);
  assert.ok((await stored()).some((photo) => photo.id === id));
});

test('5,000 photos are deleted by 20 requests, brought back by one Undo', async (t) => {
  const album = new Album(5_000, 0.3, NOON);
  const page = await photos(t, album);
  await page.locator('.grid a').first().focus();
  await page.keyboard.press('Control+a');
  await said(page, '5,000 selected');
  await page.keyboard.press('Delete');
  await page.getByText('5,000 photos deleted').first().waitFor();
  await until('the gallery has none', () => album.photos.length === 0);
  assert.equal(album.edits, 20);
  await page.keyboard.press('Control+z');
  await until('the gallery has them again', () => album.photos.length === 5_000);
  await page.getByText('5,000 photos').first().waitFor();
  await page.locator('.grid a').nth(5).waitFor();
  assert.deepEqual(page.errors, []);
});

test('Undo is offered until eight seconds after a long deletion is done', async (t) => {
  const page = await photos(t, new Album(300, 0.3, NOON));
  let done;
  const held = new Promise((resolve) => (done = resolve));
  await page.context().route('**/api/photos/edits', async (route) => {
    await held;
    await route.fallback();
  });
  await page.locator('.grid a').first().focus();
  await page.keyboard.press('Control+a');
  await said(page, '300 selected');
  await page.clock.install();
  await page.keyboard.press('Delete');
  const undo = page.getByRole('button', { name: 'Undo' });
  await undo.waitFor();
  await page.clock.fastForward(60_000);
  assert.ok(await undo.isVisible(), 'it is being deleted');
  const answered = page.waitForResponse((response) => response.url().endsWith('/edits'));
  done();
  await answered;
  await until('it has gone', async () => {
    await page.clock.fastForward(1_000);
    return (await undo.count()) === 0;
  });
  assert.deepEqual(page.errors, []);
});

test('more than one request has are really deleted, and one Undo brings all back', async (t) => {
  await bring(vitrina, 300, 2_000);
  const before = (await stored()).length;
  const page = await photos(t);
  await page.locator('.grid a').last().focus();
  await page.keyboard.press('Control+a');
  await said(page, '300 selected');
  await page.keyboard.press('Delete');
  await page.getByText('300 photos deleted').first().waitFor();
  await until('they are gone', async () => (await stored()).length === before - 300);
  await page.getByRole('button', { name: 'Undo' }).click();
  await until('they are back', async () => (await stored()).length === before);
  await page.getByText('300 photos').first().waitFor();
  assert.deepEqual(page.errors, []);
});
