// Photos taken away as a ZIP: what is chosen, and a day from its film.

import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { violations } from '../harness/axe.mjs';
import { brought } from '../harness/brought.mjs';
import { run } from '../harness/child.mjs';
import { launch } from '../harness/chromium.mjs';
import { bring } from '../harness/heavy.mjs';
import { newPage } from '../harness/page.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

let vitrina;
let browser;

before(async () => {
  browser = await launch();
  vitrina = await Vitrina.start([], { set: ['node.test_card.show=never'] });
  // Yesterday's are large, so that their ZIP takes a while.
  await bring(vitrina, 40, 1 << 20);
  await brought(vitrina, browser, 3);
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function photos(t, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  t.after(() => context.close());
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}#/photos`);
  await page.locator('.grid a').first().waitFor();
  return page;
}

const panel = (page) => page.locator('.loads');
const bar = (page) => page.getByRole('toolbar');

/** The names in a ZIP, each read to its end. */
async function names(download) {
  assert.equal(await download.failure(), null);
  const file = join(folder('zip'), 'a.zip');
  await download.saveAs(file);
  const script = 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print("\\n".join(z.namelist()))';
  const { code, stdout, stderr } = await run('python3', ['-c', script, file]);
  assert.equal(code, 0, stderr);
  return stdout.trim().split('\n');
}

/** Holds back what the gallery says of how far a ZIP is, and says this instead. */
const pretend = (page, told) =>
  page.route('**/api/photos.zip/*', (route) => (route.request().method() === 'GET' ? route.fulfill({ json: told }) : route.continue()));

test('what is chosen is saved, and the panel says how far it is', async (t) => {
  const page = await photos(t);
  for (const day of await page.getByRole('button', { name: 'Select', exact: true }).all()) await day.click();
  for (const day of await page.getByRole('button', { name: 'Select the day' }).all()) await day.click();
  await bar(page).getByText('43 selected').waitFor();
  assert.deepEqual(await violations(page), []);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download ZIP' }).click(),
  ]);
  await until('the choosing ends', async () => (await bar(page).count()) === 0);
  await panel(page).getByText('ZIP of Today and Yesterday').waitFor();
  assert.match(download.suggestedFilename(), /^vitrina-\d{4}-\d\d-\d\d-[\d-]+\.zip$/);
  const found = await names(download);
  assert.equal(found.length, 43);
  assert.ok(found.every((name) => /^\d{4}-\d\d-\d\d\/\d\d\.\d\d\.\d\d .*\.jpg$/.test(name)), found.join(', '));
  await panel(page).getByText('Sent').waitFor();
  await until('the line goes by itself', async () => (await panel(page).count()) === 0);
  assert.deepEqual(page.errors, []);
});

test('the panel counts bytes and photos, and Cancel ends it', async (t) => {
  const page = await photos(t);
  const told = { name: 'vitrina-2025-11-19-20.zip', state: 'sending', bytes: { sent: 27e6, of: 64e6 }, photos: { sent: 10, of: 23 } };
  await pretend(page, told);
  await page.locator('.grid a').last().focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('d');
  const lines = panel(page);
  await lines.getByText('ZIP of Yesterday').waitFor();
  await lines.getByText('vitrina-2025-11-19-20.zip').waitFor();
  await lines.getByText(/^42 %, about \d+ s$/).waitFor();
  await lines.getByText('10 of 23 photos, 27 of 64 MB').waitFor();
  assert.equal(await lines.getByRole('progressbar').getAttribute('aria-valuenow'), '42');
  assert.deepEqual(await violations(page), []);
  const ended = page.waitForRequest((request) => request.method() === 'DELETE');
  await lines.getByRole('button', { name: 'Cancel' }).click();
  assert.match((await ended).url(), /api\/photos\.zip\/[0-9A-Z]{26}$/);
  await until('the line is gone', async () => (await lines.count()) === 0);
  assert.deepEqual(page.errors, []);
});

test('a refusal is said in the gallery\'s words, and can be tried again', async (t) => {
  const page = await photos(t);
  const refusal = { error: 'there is no room now for a ZIP of so many photos', hint: 'wait' };
  let refuses = true;
  await page.context().route('**/api/photos.zip', (route) =>
    refuses ? route.fulfill({ status: 503, json: refusal }) : route.continue());
  await page.locator('.grid a').first().focus();
  await page.keyboard.press('Control+a');
  await page.getByRole('button', { name: 'Download ZIP' }).click();
  await panel(page).getByText(refusal.error).waitFor();
  await panel(page).getByText('Not downloaded').waitFor();
  assert.equal(new URL(page.url()).hash, '#/photos', 'the page stays');
  assert.deepEqual(await violations(page), []);
  refuses = false;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    panel(page).getByRole('button', { name: 'Try again' }).click(),
  ]);
  assert.equal((await names(download)).length, 3);
});

test('a film of a day offers its ZIP with its size, in German on a phone', async (t) => {
  const page = await photos(t, { viewport: { width: 390, height: 844 }, locale: 'de-DE' });
  await page.getByRole('button', { name: 'Den Tag abspielen' }).first().click();
  await page.locator('.dayfilm canvas').waitFor();
  await page.getByRole('button', { name: 'Herunterladen (D)' }).click();
  const item = page.getByRole('menuitem');
  await item.getByText('Als ZIP').waitFor();
  assert.match(await item.innerText(), /\d kB/);
  assert.match(await item.innerText(), /Die 3 Fotos, wie sie sind/);
  assert.deepEqual(await violations(page), []);
  const { left, right } = await page.getByRole('menu').evaluate((menu) => menu.getBoundingClientRect().toJSON());
  assert.ok(left >= 0 && right <= 390, `${left} to ${right}`);
  await page.keyboard.press('Escape');
  await until('only the menu is gone', async () => (await page.getByRole('menu').count()) === 0);
  assert.equal(await page.locator('.dayfilm').count(), 1);
  await page.getByRole('button', { name: 'Herunterladen (D)' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), item.click()]);
  assert.equal((await names(download)).length, 3);
  await panel(page).getByText('ZIP: Heute').waitFor();
  assert.deepEqual(page.errors, []);
});
