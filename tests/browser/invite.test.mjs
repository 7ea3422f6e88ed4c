// Getting others in: what an empty house and the button tell leads another machine into the same
// room.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { violations } from '../harness/axe.mjs';
import { run } from '../harness/child.mjs';
import { launchIn } from '../harness/chromium.mjs';
import { HERE, lan } from '../harness/lan.mjs';
import { newPage } from '../harness/page.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const SIZES = [{ width: 1280, height: 800 }, { width: 390, height: 844 }];

/** Set it to a folder to look at the rooms. */
const { SHOTS } = process.env;

let vitrina;
let number;
let secure;
/** A process on the other machine. */
let visitor;
/** A browser on the gallery's machine, and one on another. */
let here;
let there;

before(async () => {
  const net = lan();
  vitrina = await Vitrina.start([], {
    set: ['node.name=here', 'node.test_card.show=never', 'gallery.open=true', 'gallery.listen=0.0.0.0:0', 'gallery.https_listen="0.0.0.0:0"'],
    under: net.under,
  });
  visitor = net.visitor();
  number = `http://${HERE}:${new URL(vitrina.wall).port}`;
  secure = `https://${HERE}:${vitrina.walls.https.port}`;
  [here, there] = await Promise.all([launchIn(vitrina.pid), launchIn(visitor)]);
});

after(async () => {
  await Promise.all([here?.close(), there?.close()]);
  await vitrina?.stop();
});

/** A page of a browser of its own. On the gallery's machine it comes by the loopback. */
async function open(t, browser, { hash = '', size = SIZES[0], locale = 'en-GB', script } = {}) {
  const context = await browser.newContext({ viewport: size, locale, reducedMotion: 'reduce', ...(size.width < 500 && { deviceScaleFactor: 2, hasTouch: true }) });
  t.after(() => context.close());
  const page = await newPage(context);
  if (script) await page.addInitScript(script);
  const address = browser === here ? `http://127.0.0.1:${new URL(number).port}` : number;
  await page.goto(`${address}/${hash}`);
  return page;
}

/** What a phone reads that is pointed at the code on the screen. */
async function scan(page) {
  // The sheet lies over the room's own.
  const code = page.locator('.qr').last();
  await until('the code is drawn', () => code.evaluate((at) => at.complete && at.naturalWidth > 0));
  await code.scrollIntoViewIfNeeded();
  const picture = join(folder('code'), 'code.png');
  writeFileSync(picture, await page.screenshot());
  const { stdout, stderr } = await run('zbarimg', ['--quiet', '--raw', picture]);
  assert.ok(stdout, stderr);
  return stdout.trim();
}

/** Where a code leads on the other machine. */
async function follow(t, address) {
  const context = await there.newContext({ viewport: SIZES[1], locale: 'en-GB' });
  t.after(() => context.close());
  const page = await newPage(context);
  await page.goto(address);
  await page.locator('.bar a[aria-current=page]').waitFor();
  return { page, room: await page.locator('.bar a[aria-current=page]').innerText() };
}

const told = (page) => page.locator('.join li:visible').evaluateAll((all) =>
  all.map((at) => [at.querySelector('.a').innerText, at.querySelector('small').innerText]));

async function shoot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

async function fits(page) {
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), page.viewportSize().width);
  assert.deepEqual(await violations(page), []);
}

for (const size of SIZES) {
  test(`at ${size.width} an empty wall says where others join, and its code opens the wall elsewhere`, async (t) => {
    const page = await open(t, here, { size });
    await page.getByRole('heading', { name: 'No camera yet' }).waitFor();
    await page.locator('.join li').first().waitFor();
    assert.deepEqual(await told(page), [
      [number, 'From this network'], [secure, 'To show a camera. The browser warns once.'],
    ]);
    await page.getByText('It opens the wall.').waitFor();
    await shoot(page, `wall-${size.width}`);
    await fits(page);
    assert.equal(await scan(page), `${number}/`);
    const guest = await follow(t, `${number}/`);
    assert.equal(guest.room, 'Wall');
    // It came by the number itself, and says the same.
    await guest.page.locator('.join li').first().waitFor();
    assert.equal((await told(guest.page))[0][0], number);
  });

  test(`at ${size.width} whoever is alone in People is told how others come, and the code leads there`, async (t) => {
    const page = await open(t, here, { size, hash: '#/people' });
    await page.getByRole('heading', { name: 'Nobody here yet' }).waitFor();
    await page.getByText('What you say is kept here').waitFor();
    await page.locator('.join li').first().waitFor();
    await shoot(page, `people-${size.width}`);
    await fits(page);
    const code = await scan(page);
    assert.equal(code, `${number}/people`);
    assert.equal((await follow(t, code)).room, 'People');
    // The field is there all the same.
    assert.ok(await page.locator('.say textarea').isVisible());
  });

  test(`at ${size.width} a button tells it in every room, and its code leads there`, async (t) => {
    for (const [hash, path, room] of [['', '', 'Wall'], ['#/photos', 'photos', 'Photos'], ['#/people/log', 'people', 'People']]) {
      const page = await open(t, here, { size, hash });
      const button = page.getByRole('button', { name: 'Invite' });
      await button.click();
      const sheet = page.getByRole('dialog', { name: 'Invite' });
      await sheet.locator('li').first().waitFor();
      assert.deepEqual((await sheet.locator('.a').allInnerTexts()), [number, secure]);
      if (room === 'Photos') {
        await shoot(page, `sheet-${size.width}`);
        await fits(page);
      }
      const code = await scan(page);
      assert.equal(code, `${number}/${path}`);
      assert.equal((await follow(t, code)).room, room);
      await page.keyboard.press('Escape');
      assert.equal(await sheet.count(), 0);
      assert.ok(await button.evaluate((at) => at === document.activeElement), 'the focus is where it was');
      await page.context().close();
    }
  });
}

test('an address is copied on plain HTTP, with the room that it leads to', async (t) => {
  const page = await open(t, there, { hash: '#/people' });
  assert.equal(await page.evaluate('isSecureContext'), false);
  await page.getByRole('button', { name: `Copy ${number}`, exact: true }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  await page.locator('.say textarea').focus();
  await page.keyboard.press('Control+v');
  assert.equal(await page.locator('.say textarea').inputValue(), `${number}/people`);
  // Browsers share over HTTPS alone.
  assert.equal(await page.getByRole('button', { name: 'Share' }).count(), 0);
});

test('where the browser can share, it shares the address of the code', async (t) => {
  const script = 'globalThis.shared = []; navigator.share = async (what) => void shared.push(what);';
  const page = await open(t, here, { hash: '#/people', script });
  await page.getByRole('button', { name: 'Share' }).click();
  assert.deepEqual(await page.evaluate('shared'), [{ title: 'Vitrina', url: `${number}/people` }]);
});

test('the address by which a visitor came is told first, and the name that led it here', async (t) => {
  const flags = [`--host-resolver-rules=MAP workshop.local ${HERE}`];
  const browser = await launchIn(visitor, flags);
  t.after(() => browser.close());
  const page = await newPage(await browser.newContext({ locale: 'de-DE' }));
  const { port } = new URL(number);
  await page.goto(`http://workshop.local:${port}/`);
  await page.locator('.join li').first().waitFor();
  assert.deepEqual(await told(page), [
    [`http://workshop.local:${port}`, 'Aus diesem Netz'],
    [number, 'Wo dieser Name nicht gefunden wird'],
    [`https://workshop.local:${new URL(secure).port}`, 'Um eine Kamera zu zeigen. Der Browser warnt einmal.'],
  ]);
  // Not every phone finds such a name.
  assert.equal(await scan(page), `${number}/`);
});

test('once somebody has said something, one line is enough', async (t) => {
  const page = await open(t, here, { hash: '#/people', size: SIZES[1] });
  await page.locator('.say textarea').fill('Hello');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('textbox').fill('Ana');
  await page.keyboard.press('Enter');
  await page.locator('[data-line] p', { hasText: 'Hello' }).waitFor();
  assert.equal(await page.locator('.qr').count(), 0);
  await page.locator('.join-line', { hasText: 'Others join at' }).waitFor();
  await shoot(page, 'people-said');
  await fits(page);
});

test('a gallery of its own machine alone says how it is opened', async (t) => {
  const { under } = lan();
  const closed = await Vitrina.start([], { set: ['node.name=here', 'node.test_card.show=never'], under });
  const browser = await launchIn(closed.pid);
  t.after(() => Promise.all([browser.close(), closed.stop()]));
  const page = await newPage(await browser.newContext({ locale: 'en-GB', viewport: SIZES[0] }));
  await page.goto(closed.wall);
  await page.getByRole('heading', { name: 'Others cannot come in yet' }).waitFor();
  assert.match(await page.locator('.join').innerText(), /with vitrina --open, or for good with open = true in vitrina\.toml/);
  assert.equal(await page.locator('.qr').count(), 0);
  await shoot(page, 'closed');
  assert.deepEqual(await violations(page), []);
});
