// Three people with cameras of their own: each sees and hears the others, in a real browser.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { changes, live } from '../harness/wall.mjs';

let vitrina;
let browser;
const people = {};

before(async () => {
  browser = await launch(FAKE_CAMERA);
  vitrina = await Vitrina.start([], { set: ['node.name=here'] });
  for (const name of ['Ana', 'Bruno', 'Li Wei']) people[name] = await person();
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

async function person(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
  const page = await newPage(context);
  await page.goto(vitrina.wall);
  await page.keyboard.press('3');
  await page.getByRole('log').waitFor();
  return page;
}

const others = (name) => Object.entries(people).filter(([other]) => other !== name);
const log = (page) => page.getByRole('log').innerText();
const field = (page) => page.getByRole('textbox', { name: 'Message to everyone' });

async function say(page, text) {
  await field(page).fill(text);
  await field(page).press('Enter');
}

/** The camera that somebody shows, as another page knows it. */
const cameraOf = (page, name) => page.locator('.names li', { hasText: name }).locator('.tile').getAttribute('data-camera');

test('each shows a camera, and is asked for a name once', async () => {
  for (const [name, page] of Object.entries(people)) {
    await page.locator('.me').getByRole('button', { name: 'Show my camera' }).click();
    const dialog = page.getByRole('dialog', { name: 'What should others call you?' });
    await dialog.getByRole('textbox').fill(name);
    await page.keyboard.press('Enter');
    const show = page.getByRole('button', { name: 'Show on the wall' });
    await show.waitFor();
    assert.equal(await page.locator('.onair').count(), 0, 'nothing is sent before it is said');
    await show.click();
    assert.equal(await dialog.count(), 0);
    await until(`${name} is on the wall`, async () =>
      (await page.locator('.onair').innerText()).startsWith('You are on the wall.'));
  }
});

test('each sees who is here, and the other two live', async () => {
  for (const [name, page] of Object.entries(people)) {
    await page.getByRole('heading', { name: 'Three people here' }).waitFor();
    for (const [other] of others(name)) {
      const camera = await until(`${other}'s camera`, () => cameraOf(page, other));
      await live(page, camera);
    }
    assert.match(await log(page), /Li Wei joined/);
  }
});

test('on the wall they are tiles like any other, and move', async () => {
  const { Ana } = people;
  const camera = await cameraOf(Ana, 'Bruno');
  await Ana.keyboard.press('1');
  await live(Ana, camera);
  await changes(Ana, camera, 3);
  assert.equal(await Ana.locator('.wall .tile').count(), 4);
  await until('all are named below the wall', async () =>
    (await Ana.locator('.tail').innerText()) === 'Ana, Bruno, Li Wei');
  await Ana.keyboard.press('3');
});

test('who is on the wall is told so in every room, with how many look, and what is theirs', async () => {
  const { Ana, Bruno } = people;
  const camera = await cameraOf(Bruno, 'Ana');
  const bar = Ana.locator('.onair-bar');
  const others = people['Li Wei'];
  await others.keyboard.press('2');
  await others.locator('.page').waitFor();
  for (const key of ['1', '2', '3']) {
    await Ana.keyboard.press(key);
    await until(`room ${key} says so`, async () =>
      (await bar.locator('.long').innerText()) === 'You are on the wall, one looking');
    assert.ok(await bar.getByRole('button', { name: 'Stop', exact: true }).isVisible());
  }
  await Bruno.keyboard.press('2');
  await until('nobody looks', async () => (await bar.innerText()).startsWith('You are on the wall, nobody looking'));
  await Ana.keyboard.press('1');
  const plate = (page) => page.locator(`.wall [data-camera="${camera}"] .plate .name`).innerText();
  await until('her own tile says so', async () => (await plate(Ana)) === 'You');
  await until('she is not one of those who look', async () => (await bar.innerText()).includes('nobody looking'));
  await others.keyboard.press('1');
  await until('to others it is hers', async () => (await plate(others)) === 'Ana');
  await until('who looks is counted', async () => (await bar.innerText()).includes('one looking'));
  for (const page of [Ana, Bruno, others]) await page.keyboard.press('3');
});

test('each takes a photo that the others see with name and time', async () => {
  for (const [name, page] of Object.entries(people)) {
    await page.getByRole('button', { name: 'Take a photo', exact: true }).click();
    for (const [, other] of others(name)) {
      await other.keyboard.press('1');
      await until(`${name}'s photo`, () =>
        other.locator('.strip a').evaluateAll((all, name) =>
          all.some((at) => new RegExp(`^${name}, today \\d\\d:\\d\\d$`).test(at.ariaLabel)), name), { limit: 20_000 });
      await other.keyboard.press('3');
    }
  }
});

test('what is said comes as text, with the photos and cameras that it mentions', async () => {
  const { Ana, Bruno } = people;
  const camera = await cameraOf(Bruno, 'Ana');
  await say(Ana, `<b>This</b> is me: #camera/${camera}`);
  await until('Bruno reads it', async () => (await log(Bruno)).includes('<b>This</b> is me: Ana'));
  await Bruno.locator('.log').getByRole('link', { name: 'Camera Ana' }).waitFor();
  await Bruno.getByRole('button', { name: 'Add a photo or camera' }).click();
  await Bruno.getByRole('button', { name: /^Photo by Ana/ }).first().click();
  await Bruno.keyboard.type('yours');
  await Bruno.keyboard.press('Shift+Enter');
  await Bruno.keyboard.type('second line');
  await Bruno.keyboard.press('Enter');
  await until('Ana reads two lines', async () => /yours\nsecond line/.test(await log(Ana)));
  const photo = Ana.locator('.log').getByRole('link', { name: /^Photo by Ana/ });
  await photo.click();
  await Ana.getByRole('dialog', { name: 'Photo' }).waitFor();
  await Ana.keyboard.press('Escape');
});

test('the log follows only a reader at its end', async () => {
  const { Ana, Bruno } = people;
  for (let i = 0; i < 8; i++) await say(Ana, `before ${i}`);
  await until('all were said', async () => (await log(Ana)).includes('before 7'), { limit: 20_000 });
  await until('Bruno has them', async () => (await log(Bruno)).includes('before 7'));
  await Bruno.getByRole('log').evaluate((at) => (at.scrollTop = 0));
  await say(people['Li Wei'], 'one more');
  await Bruno.getByRole('button', { name: '1 new' }).click();
  await until('it is in view', () => Bruno.getByRole('log').evaluate((at) => at.scrollHeight - at.scrollTop - at.clientHeight < 2));
  await until('nothing is new', async () => (await Bruno.locator('.unread').count()) === 0);
});

test('who says too much at once is held back, and all of it is said', async () => {
  const { Bruno, Ana } = people;
  for (let i = 0; i < 30; i++) await say(Bruno, `flood ${i}`);
  await Bruno.getByText(/^Slow down a little\. Your next message goes in \d+ s\.$/).first().waitFor();
  await until('all came, in order', async () => {
    const told = (await log(Ana)).match(/flood \d+/g) ?? [];
    return told.join() === Array.from({ length: 30 }, (_, i) => `flood ${i}`).join();
  }, { limit: 60_000 });
});

test('a photo after the countdown flies to its place and leads to what was stored', async () => {
  const { Ana } = people;
  await Ana.locator('.choice', { hasText: 'Countdown' }).locator('select').selectOption('3');
  await Ana.getByRole('button', { name: 'Take a photo', exact: true }).click();
  await Ana.locator('.count').waitFor();
  const before = await Ana.locator('.taken img').getAttribute('src');
  await until('it is seen', async () => (await Ana.locator('.taken img').getAttribute('src')) !== before);
  await Ana.getByRole('link', { name: 'The photo just taken' }).click();
  await Ana.getByRole('dialog', { name: 'Photo' }).waitFor();
  await Ana.keyboard.press('Escape');
  await Ana.locator('.choice', { hasText: 'Countdown' }).locator('select').selectOption('0');
});

test('a name is changed where it stands, and kept', async () => {
  const { Ana, Bruno } = people;
  await Ana.getByRole('button', { name: 'Ana, change your name' }).click();
  await Ana.getByRole('textbox', { name: 'Your name' }).fill('Anita');
  await Ana.keyboard.press('Enter');
  await until('all know', async () => (await log(Bruno)).includes('Ana is now called Anita'));
  await Ana.reload();
  await Ana.getByRole('button', { name: 'Anita, change your name' }).waitFor();
  assert.doesNotMatch(await log(Bruno), /Anita left/, 'a page that is loaded again has not left');
});

test('who stops is seen to have ended, who closes the page to have left', async () => {
  const { Bruno, Ana } = people;
  await Ana.keyboard.press('1');
  const camera = await people['Li Wei'].locator('.names li', { hasText: 'Bruno' }).locator('.tile').getAttribute('data-camera');
  await live(Ana, camera);
  await Bruno.keyboard.press('2');
  await Bruno.locator('.onair-bar').getByRole('button', { name: 'Stop' }).click();
  await until('the bar says it no more', async () => (await Bruno.locator('.onair-bar').count()) === 0);
  await Bruno.keyboard.press('3');
  const tile = Ana.locator(`.wall [data-camera="${camera}"][data-state=ended]`);
  await tile.waitFor();
  assert.match(await tile.innerText(), /Ended\s+Bruno stopped showing at \d\d:\d\d/);
  await until('the tile goes', async () => (await tile.count()) === 0, { limit: 20_000 });
  await people['Li Wei'].context().close();
  await Ana.keyboard.press('3');
  await until('he has left', async () => (await log(Ana)).includes('Li Wei left'));
  await Ana.getByRole('heading', { name: 'Two people here' }).waitFor();
  assert.deepEqual([...Ana.errors, ...Bruno.errors], []);
});

test('the log tells what happened, and what happens while it is read', async () => {
  const { Ana, Bruno } = people;
  await Ana.getByRole('link', { name: 'Log' }).click();
  const book = Ana.getByRole('log', { name: 'Log' });
  await until('it is there', async () => (await book.innerText()).includes('Bruno joined'));
  const text = await book.innerText();
  for (const line of ['Li Wei shows a camera', 'New photo by Bruno', 'Ana is now called Anita', 'Li Wei left']) {
    assert.ok(text.includes(line), `${line} is in ${text}`);
  }
  const { id } = (await (await fetch(`${vitrina.wall}api/photos?limit=9`)).json()).find(({ person }) => person?.name === 'Bruno');
  const change = (method, path, body) => fetch(`${vitrina.wall}api/photos/${id}${path}`, { method, body: body && JSON.stringify(body) });
  const photo = 'Photo by Bruno, today \\d\\d:\\d\\d: ';
  for (const [act, what] of [
    [() => change('PATCH', '', { pinned: true }), 'pinned'],
    [() => change('PATCH', '', { caption: 'Cake' }), 'caption “Cake”'],
    [() => change('PATCH', '', { pinned: false, caption: '' }), 'caption removed, no longer pinned'],
    [() => change('DELETE', ''), 'deleted'],
    [() => change('POST', '/restore'), 'brought back'],
  ]) {
    assert.ok((await act()).ok, what);
    await until(what, async () => new RegExp(photo + what).test(await book.innerText()));
  }
  await Bruno.getByRole('button', { name: 'Leave' }).click();
  await until('it is told at once, at the top', async () => /^\s*\d\d:\d\d\s+Bruno left/.test(await book.innerText()));
  await book.getByRole('link', { name: 'New photo by Bruno' }).click();
  await Ana.getByRole('dialog', { name: 'Photo' }).waitFor();
  await Ana.keyboard.press('Escape');
  await until('the log again', () => Ana.url().endsWith('#/people/log'));
  assert.deepEqual(Ana.errors, []);
});

test('without a camera there is a word why, and a photo can be chosen', async () => {
  const page = await person();
  await page.addInitScript(() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }));
  await page.reload();
  await page.locator('.me').getByRole('button', { name: 'Show my camera' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('Ximena');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'This browser keeps the camera closed' }).waitFor();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a photo' }).click();
  await chooser;
  await page.context().close();
});
