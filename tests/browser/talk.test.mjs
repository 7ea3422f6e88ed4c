// No message is lost: one written while the gallery is stopped, frozen or cut off appears at
// once as not said yet, and goes out once when it can; and the page notices a silent connection.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { setTimeout as pause } from 'node:timers/promises';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { Link } from '../harness/link.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

/** The lengths of the outages, in seconds. */
const OUTAGES = (process.env.OUTAGES ?? '3,15,60').split(',').map(Number);

const WAITS = 'Not said yet. It goes out when the connection is back.';

let browser;
let house;
/** Somebody whose network always works. */
let bruno;

before(async () => {
  browser = await launch(FAKE_CAMERA);
  house = await Vitrina.start([], { set: ['node.name=here'] });
  bruno = await join(house.wall, 'Bruno');
});

after(async () => {
  await browser?.close();
  await house?.stop();
});

/** A page in the room of people, with somebody who has joined. */
async function join(wall, name, context) {
  const page = await open(wall, context ?? (await browser.newContext({ locale: 'en-GB' })));
  await say(page, `${name} is here`);
  await page.getByRole('dialog').getByRole('textbox').fill(name);
  await page.keyboard.press('Enter');
  await until(`${name} was heard`, async () => (await waiting(page)).length === 0 && (await said(page)).includes(`${name} is here`));
  return page;
}

async function open(wall, context) {
  const page = await newPage(context);
  await page.goto(`${wall}#/people`);
  await page.getByRole('log').waitFor();
  return page;
}

/** A page with a link of its own: `{page, link, wall}`. */
async function joinBy(name, port) {
  const link = await Link.to(port ?? Number(new URL(house.wall).port));
  const wall = `http://127.0.0.1:${link.port}/`;
  return { page: await join(wall, name), link, wall };
}

const field = (page) => page.getByRole('textbox', { name: 'Message to everyone' });

async function say(page, text) {
  await field(page).fill(text);
  await field(page).press('Enter');
}

/** The texts of the talk, including those that wait. */
const said = (page) => page.locator('[data-line] p:not(.note, .state)').allInnerTexts();
const waiting = (page) => page.locator('[data-line].wait p:not(.note, .state)').allInnerTexts();

/** Waits until a page shows these texts in this order, each once, and none waits. */
function tells(page, texts, what) {
  return until(what, async () => {
    const all = await said(page);
    assert.deepEqual(all.filter((text) => texts.includes(text)), texts);
    assert.deepEqual(await waiting(page), []);
    return true;
  }, { limit: 30_000 });
}

const noticed = (page) => until('the loss is told', () =>
  page.locator('.lost-line:not(.again)').isVisible(), { limit: 5_500 });
const isBack = (page) => until('the connection is back', async () =>
  (await page.locator('.lost-line:not(.again)').count()) === 0, { limit: 30_000 });

/** Somebody speaks through an outage. */
async function speaksThrough(seconds, page, listener, begin, end) {
  const what = (word) => `${word} of ${seconds} s`;
  await say(page, what('before'));
  await until('it is heard', async () => (await said(listener)).includes(what('before')));
  await begin();
  await say(page, what('first'));
  assert.deepEqual(await waiting(page), [what('first')], 'it stands there at once');
  await say(page, what('second'));
  const over = pause(seconds * 1_000);
  if (seconds > 5) {
    await noticed(page);
    assert.deepEqual(await page.locator('.wait .state').allInnerTexts(), [WAITS, WAITS]);
  }
  await over;
  assert.equal((await waiting(page)).length, 2);
  await end();
  const all = ['before', 'first', 'second'].map(what);
  await tells(page, all, `all is said once after ${seconds} s`);
  await tells(listener, all, `the others have it once after ${seconds} s`);
}

test('what is said while the gallery is stopped, frozen or cut off is said once, after however long', { timeout: 300_000 }, async () => {
  const frozen = await joinBy('Ana');
  const cut = await joinBy('Carla');
  const other = await Vitrina.start([], { set: ['node.name=there'] });
  const stopped = await join(other.wall, 'Dora');
  const listener = await join(other.wall, 'Emil');
  for (const seconds of OUTAGES) {
    await Promise.all([
      speaksThrough(seconds, frozen.page, bruno, () => frozen.link.freeze(), () => frozen.link.thaw()),
      speaksThrough(seconds + 0.5, cut.page, bruno, () => cut.link.cut(), () => cut.link.plug()),
      speaksThrough(seconds, stopped, listener, () => other.stop(), () => other.again()),
    ]);
  }
  assert.deepEqual([...frozen.page.errors, ...cut.page.errors, ...stopped.errors], []);
  await other.stop();
  frozen.link.close();
  cut.link.close();
});

test('a word whose echo was lost is not said twice', async () => {
  const { page, link } = await joinBy('Gil');
  link.deafen();
  await say(page, 'only the echo is lost');
  await until('others hear it', async () => (await said(bruno)).includes('only the echo is lost'));
  assert.deepEqual(await waiting(page), ['only the echo is lost']);
  await say(page, 'and one more');
  await noticed(page);
  link.plug();
  for (const at of [page, bruno]) await tells(at, ['only the echo is lost', 'and one more'], 'each once');
  link.close();
});

test('what was not said outlasts the page, and two tabs say it once', async () => {
  const { page, link, wall } = await joinBy('Hana');
  const context = page.context();
  const second = await open(wall, context);
  await second.getByRole('button', { name: 'Hana, change your name' }).waitFor();
  link.cut();
  await say(page, 'said before the page was closed');
  await until('the other tab shows it', async () => (await waiting(second)).length === 1);
  await page.close();
  await second.close();
  link.plug();
  const [third, fourth] = await Promise.all([open(wall, context), open(wall, context)]);
  await say(third, 'and after it');
  const all = ['said before the page was closed', 'and after it'];
  for (const at of [third, fourth, bruno]) await tells(at, all, 'each once');
  assert.deepEqual([...third.errors, ...fourth.errors], []);
  link.close();
});

test('what can never be said says why and comes back to the field', async () => {
  const { page, link } = await joinBy('Ines');
  // A blank that only the gallery recognises as one.
  await say(page, '\u2800');
  const failed = page.locator('[data-line].fail');
  await failed.waitFor();
  assert.match(await failed.innerText(), /Not said: a message has 1 to 2000 characters that can be seen/);
  await failed.getByRole('button', { name: 'Back to the field' }).click();
  assert.equal(await field(page).inputValue(), '\u2800');
  assert.equal(await failed.count(), 0);
  link.cut();
  await say(page, 'I go');
  await page.getByRole('button', { name: 'Leave' }).click();
  await page.getByText('Not said: you left before it went out').waitFor();
  link.plug();
  await isBack(page);
  await field(page).fill('and say');
  await failed.getByRole('button', { name: 'Back to the field' }).click();
  assert.equal(await field(page).inputValue(), 'and say\nI go');
  assert.ok(!(await said(bruno)).includes('I go'));
  await field(page).fill('x'.repeat(2_001));
  await page.locator('.held').waitFor();
  assert.equal(await page.locator('.held').innerText(), 'A message has at most 2000 characters.');
  await field(page).press('Enter');
  assert.equal((await field(page).inputValue()).length, 2_001, 'it stays in the field');
  link.close();
});

test('a silent connection is noticed in every room, and comes back', async () => {
  const { page, link } = await joinBy('Jan');
  await page.keyboard.press('Escape');
  for (const [room, hash] of [['.room', '#/'], ['.page', '#/photos'], ['.hall', '#/people']]) {
    await page.evaluate((hash) => (location.hash = hash), hash);
    await page.locator(room).waitFor();
    // The page gives a new connection more time, because it may be a slow one.
    await pause(3_000);
    link.freeze();
    await noticed(page);
    link.thaw();
    await isBack(page);
  }
  assert.deepEqual(page.errors, []);
  link.close();
});

test('who shows a camera by a connection that freezes is told that it is not seen, until it is', async () => {
  const { page, link } = await joinBy('Kira');
  await page.locator('.me').getByRole('button', { name: 'Show my camera' }).click();
  await page.getByRole('button', { name: 'Show on the wall' }).click();
  const bar = page.locator('.onair-bar .long');
  const isOn = () => until('it is on the wall', async () =>
    (await bar.innerText()).startsWith('You are on the wall'), { limit: 30_000 });
  await isOn();
  await pause(3_000);
  link.freeze();
  await until('it is told', async () => (await bar.innerText()) === 'Waiting for the gallery.', { limit: 5_500 });
  link.thaw();
  await isOn();
  assert.deepEqual(page.errors, []);
  link.close();
});

test('addresses are links to elsewhere, as they were typed, and a mention leaves no hole', async () => {
  await say(bruno, 'see https://example.org/a_(b), (http://192.168.1.20:8080) or javascript:alert(1)');
  const links = bruno.locator('[data-line]').last().locator('p a');
  await until('they are there', async () => (await links.count()) === 2);
  const read = await links.evaluateAll((all) => all.map((a) => [a.innerText, a.getAttribute('href'), a.target, a.rel]));
  assert.deepEqual(read, ['https://example.org/a_(b)', 'http://192.168.1.20:8080'].map((address) =>
    [address, address, '_blank', 'noopener noreferrer']));
});
