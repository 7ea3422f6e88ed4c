// People in one hand: who is here, the talk and its field are in view at once, also above a
// keyboard on the screen; the language, Leave and the log are one tap away.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync } from 'node:fs';

import { violations } from '../harness/axe.mjs';
import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { Fingers } from '../harness/fingers.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Viewer } from '../harness/viewer.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const NAMES = ['Ana', 'Bruno', 'Li Wei', 'Maximiliane von und zu Hohenfels'];
const SAID = 9;

/** A size of the window, and the height that a keyboard leaves of it. */
const SIZES = [{ width: 390, height: 844, left: 508 }, { width: 360, height: 640, left: 380 }];
const TONGUES = {
  'en-GB': { title: 'Five people here', change: 'Xi, change your name', leave: 'Leave', talk: 'Talk', log: 'Log', itself: 'English' },
  'de-DE': { title: 'Fünf Leute sind da', change: 'Xi, deinen Namen ändern', leave: 'Gehen', talk: 'Gespräch', log: 'Protokoll', itself: 'Deutsch' },
};

/** Set it to a folder to look at the room. */
const { SHOTS } = process.env;

let vitrina;
let browser;
const others = [];

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=never'] });
  browser = await launch(FAKE_CAMERA);
  for (const name of NAMES) {
    const person = await Viewer.connect(vitrina.wall);
    person.say({ type: 'join', name });
    await until(`${name} has joined`, () => person.said.some(({ type }) => type === 'you'));
    others.push(person);
  }
  for (let n = 0; n < SAID; n++) {
    others[n % NAMES.length].say({ type: 'say', text: `${n}: the heron is back at the pond by the north door`, id: ulid(n) });
  }
});

after(async () => {
  for (const person of others) person.close();
  await browser?.close();
  await vitrina?.stop();
});

const ulid = (n) => `01K${`${n}`.padStart(23, '0')}`;

async function open({ width, height }, locale, hash = '#/people') {
  const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, locale, reducedMotion: 'reduce' });
  const page = await newPage(context);
  await page.goto(`${vitrina.wall}${hash}`);
  await page.locator('.hall').waitFor();
  return page;
}

/** Whether a person sees it whole: the corners and the middle of each of its lines are in the window, and nothing lies over them. */
const seen = (locator) => locator.evaluate((at) =>
  [...at.getClientRects()].every(({ left, top, right, bottom }) =>
    [[left + 2, top + 2], [right - 2, bottom - 2], [(left + right) / 2, (top + bottom) / 2]].every(([x, y]) => {
      const there = document.elementFromPoint(x, y);
      return there !== null && (at.contains(there) || there.contains(at));
    })));

/** Who is here, the last line and the field are in view as they stand, and nothing was scrolled. */
async function allInView(page, title, last) {
  await until('the last line is in view', () => seen(page.locator('[data-line] p', { hasText: last })));
  assert.equal(await page.locator('main').evaluate((at) => at.scrollTop + at.scrollHeight - at.clientHeight), 0, 'the room fits');
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), page.viewportSize().width);
  assert.ok(await seen(page.getByRole('heading', { name: title })), 'how many are here');
  assert.ok(await seen(page.locator('.say textarea')), 'the field');
}

/** The names as one sentence that runs on like any text. */
async function isSentence(page, names) {
  const { text, lines, width } = await page.locator('.names').evaluate((at) => {
    const range = document.createRange();
    range.selectNodeContents(at);
    const text = [...at.children].map((li) => li.querySelector('.n').firstChild.textContent + getComputedStyle(li, '::after').content.replace(/^none$|^normal$|"/g, '')).join('');
    return { text, lines: at.getBoundingClientRect().height / parseFloat(getComputedStyle(at).lineHeight), width: at.scrollWidth - at.clientWidth };
  });
  assert.equal(text, names.join(', '));
  assert.ok(lines < 3.1, `${lines} lines`);
  assert.ok(width <= 0, 'nothing is cut off');
  for (const name of names) assert.ok(await seen(page.locator('.names li', { hasText: name }).locator('.n').first()), name);
}

async function shoot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name}.png` });
}

async function isClean(page, where) {
  assert.deepEqual(await violations(page), [], where);
}

for (const [locale, words] of Object.entries(TONGUES)) {
  for (const size of SIZES) {
    test(`${locale} at ${size.width}x${size.height}: all is in view, and within reach`, async (t) => {
      const page = await open(size, locale);
      t.after(() => page.context().close());
      const fingers = await Fingers.on(page);
      const name = (kind) => `${locale}-${size.width}-${kind}`;
      await page.locator('[data-line]', { hasText: `${SAID - 1}: the heron` }).waitFor();
      await until('the names', async () => (await page.locator('.names li').count()) === NAMES.length);
      await isSentence(page, NAMES);

      const field = page.locator('.say textarea');
      await fingers.tap(field);
      await page.keyboard.type(`from ${size.width} ${locale}`);
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.type('Xi');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: words.change }).waitFor();
      await isSentence(page, [...NAMES, 'Xi']);
      await allInView(page, words.title, `from ${size.width} ${locale}`);
      await shoot(page, name('open'));
      await isClean(page, 'with the talk');

      await page.setViewportSize({ width: size.width, height: size.left });
      await allInView(page, words.title, `from ${size.width} ${locale}`);
      await isSentence(page, [...NAMES, 'Xi']);
      await shoot(page, name('keyboard'));
      await page.setViewportSize(size);

      const reach = [page.getByRole('link', { name: words.log }), page.getByRole('button', { name: words.leave }), page.locator('.tongue')];
      for (const at of reach) assert.ok(await seen(at), await at.innerText());
      for (const at of [...reach, page.getByRole('button', { name: words.change })]) {
        const { width, height } = await at.boundingBox();
        assert.ok(width >= 43.9 && height >= 43.9, `${await at.innerText()} is ${width} by ${height}`);
      }
      assert.equal(await page.locator('.tongue span').innerText(), words.itself);

      await fingers.tap(page.getByRole('link', { name: words.log }));
      await page.locator('[data-entry]').first().waitFor();
      await shoot(page, name('log'));
      await isClean(page, 'with the log');
      await fingers.tap(page.getByRole('link', { name: words.talk }));
      await page.locator('.tongue select').selectOption('es');
      await page.getByRole('heading', { name: 'Cinco personas aquí' }).waitFor();
      await fingers.tap(page.getByRole('button', { name: 'Salir' }));
      await until('the name is gone', async () => (await page.locator('.names li').count()) === NAMES.length);
      assert.deepEqual(page.errors, []);
    });
  }
}

test('the name is changed in the sentence, and a camera that is open leaves room for the talk', async (t) => {
  const [size] = SIZES;
  const page = await open(size, 'en-GB');
  t.after(() => page.context().close());
  const fingers = await Fingers.on(page);
  await fingers.tap(page.getByRole('button', { name: 'Show my camera' }));
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('Yara');
  await page.keyboard.press('Enter');
  await page.locator('.me video').waitFor();
  await fingers.tap(page.getByRole('button', { name: 'Show on the wall' }));
  await page.locator('.me .onair .lamp.live').waitFor();
  await shoot(page, 'camera');
  await isSentence(page, [...NAMES, 'Yara']);
  await allInView(page, 'Five people here', 'Yara joined');
  await isClean(page, 'with the camera');
  await fingers.tap(page.getByRole('button', { name: 'Close the camera' }));
  await page.locator('.me video').waitFor({ state: 'detached' });
  await fingers.tap(page.getByRole('button', { name: 'Yara, change your name' }));
  await page.getByRole('textbox', { name: 'Your name' }).fill('Yael');
  await shoot(page, 'rename');
  await page.keyboard.press('Enter');
  await until('it is changed', async () => (await page.locator('.names').innerText()).includes('Yael'));
  assert.deepEqual(page.errors, []);
});

test('what is said while one reads older lines waits above the field', async (t) => {
  const page = await open(SIZES[1], 'en-GB');
  t.after(() => page.context().close());
  const log = page.getByRole('log');
  await page.locator('[data-line]', { hasText: `${SAID - 1}: the heron` }).waitFor();
  await until('the talk is at its end', () => log.evaluate((at) => at.scrollTop > 0 && at.scrollHeight - at.scrollTop - at.clientHeight < 2));
  await log.evaluate((at) => (at.scrollTop = 0));
  others[0].say({ type: 'say', text: 'and one more', id: ulid(SAID) });
  await page.getByRole('button', { name: '1 new' }).tap();
  await until('it is in view', () => seen(page.locator('[data-line] p', { hasText: 'and one more' })));
});

test('a room that grows smaller while a scrolling is reported keeps the last line in view', async (t) => {
  const page = await open(SIZES[0], 'en-GB');
  t.after(() => page.context().close());
  const log = page.getByRole('log');
  const last = page.locator('[data-line] p').last();
  await until('the last line is in view', () => seen(last));
  await log.evaluate((at) => {
    at.style.maxHeight = `${at.clientHeight / 2}px`;
    at.dispatchEvent(new Event('scroll'));
  });
  await until('it is in view again', () => seen(last));
});
