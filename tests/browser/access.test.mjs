// The page by keyboard alone, and with words twice as large.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { launch } from '../harness/chromium.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

let vitrina;

before(async () => {
  vitrina = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show="always"'] });
});

after(() => vitrina?.stop());

/** What has the focus: its name, and whether it can be seen. */
const focused = (page) => page.evaluate(() => {
  const at = document.activeElement;
  const { left, top, right, bottom } = at.getBoundingClientRect();
  return {
    name: at.getAttribute('aria-label') ?? at.innerText?.trim() ?? '',
    shown: at === document.body || (right > 0 && bottom > 0 && left < innerWidth && top < innerHeight),
  };
});

/** Presses Tab until the focus is on the element with this name. Everything it passes is visible. */
async function tabTo(page, name, key = 'Tab') {
  const way = [];
  for (let i = 0; i < 60; i++) {
    const at = await focused(page);
    assert.ok(at.shown, `the focus on ${at.name} can be seen`);
    if (name.test(at.name)) return;
    way.push(at.name);
    await page.keyboard.press(key);
  }
  assert.fail(`no way to ${name}: ${way.join(' | ')}`);
}

test('by keyboard alone one joins, talks, reads the log, and takes a photo', async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' })).newPage();
  await page.goto(vitrina.wall);
  await page.locator('[data-state=live]').waitFor();
  await tabTo(page, /^People$/);
  await page.keyboard.press('Enter');
  await page.getByRole('log').waitFor();
  await tabTo(page, /^Message to everyone$/);
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await until('the name has the focus', async () => /Your name|What should others call you/.test((await focused(page)).name));
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await until('it is said', async () => /Ada[^]*by keyboard/.test(await page.getByRole('log').innerText()));
  await until('the focus is where it was', async () => (await focused(page)).name === 'Message to everyone');

  await tabTo(page, /^Log$/, 'Shift+Tab');
  await page.keyboard.press('Enter');
  const log = page.getByRole('log', { name: 'Log' });
  await until('her coming is there', async () => (await log.innerText()).includes('Ada joined'));

  await tabTo(page, /^Wall$/, 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.locator('[data-state=live]').waitFor();
  await tabTo(page, /^Test card: live/);
  await page.keyboard.press('s');
  await page.locator('.strip a').first().waitFor();
  await page.keyboard.press('Enter');
  await until('it is large', () => page.url().includes('#/camera/'));
  await page.keyboard.press('Escape');
  await until('the wall again', () => !page.url().includes('#/camera/'));
  await until('the focus returns', async () => /^Test card/.test((await focused(page)).name));
  await page.keyboard.press('3');
  await tabTo(page, /^Log$/);
  await page.keyboard.press('Enter');
  await until('the photo is told', async () => (await log.innerText()).includes('New photo from Test card'));
});

test('with words twice as large nothing is cut off at the side', async (t) => {
  const browser = await launch(['--blink-settings=defaultFontSize=32']);
  t.after(() => browser.close());
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    for (const locale of ['en-GB', 'es-ES', 'de-DE', 'fr-FR']) {
      const page = await (await browser.newContext({ viewport, locale })).newPage();
      await page.goto(vitrina.wall);
      assert.equal(await page.evaluate('getComputedStyle(document.documentElement).fontSize'), '32px');
      for (const place of ['#/', '#/photos', '#/people', '#/people/log', '#/house']) {
        await page.goto(`${vitrina.wall}${place}`);
        await page.locator('.room, .page, .hall, .door').first().waitFor();
        const beyond = await page.evaluate(() => [...document.querySelectorAll('body *')]
          .filter((at) => {
            const { left, right, width, height } = at.getBoundingClientRect();
            return width > 1 && height > 1 && (right > innerWidth + 1 || left < -1) && at.checkVisibility() && !at.closest('.strip, .sr');
          })
          .map((at) => `${at.tagName}.${at.className} ${at.innerText ?? ''}`.slice(0, 60)));
        assert.deepEqual(beyond, [], `${locale} ${viewport.width} ${place}`);
        const rooms = page.getByRole('navigation').first().getByRole('link');
        for (const room of await rooms.all()) assert.ok(await room.isVisible());
      }
      await page.context().close();
    }
  }
});
