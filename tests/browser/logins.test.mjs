// Who may come: the first login of all, then people who only look, people who act, and what each of
// them is shown, at once when that changes.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { violations } from '../harness/axe.mjs';
import { launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live } from '../harness/wall.mjs';

const SOON = { limit: 30_000 };
const DESK = { viewport: { width: 1280, height: 800 }, locale: 'en-GB' };
const PHONE = { viewport: { width: 390, height: 844 }, locale: 'es-ES', deviceScaleFactor: 2, hasTouch: true };

const MARTA = ['marta', 'huerto-noche-7'];
const TOM = ['tom', 'ventana-azul-3'];
const ANA = ['ana', 'escalera-verde-5'];

/** Set it to a folder to look at the rooms. */
const { SHOTS } = process.env;

let vitrina;
let browser;
/** Who runs the house, from the first test on. */
let marta;

before(async () => {
  const names = ['door', 'attic'].map((name, n) =>
    `{name="${name}", device="/dev/v4l/by-id/usb-Rig_Rig_Test_Camera_RIG000${n}-video-index0", width=1280, height=720, fps=5}`);
  vitrina = await Vitrina.start([], { set: ['node.name=house', `node.camera=[${names}]`], env: new Cameras(2).env });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

/** A page of a browser of its own. */
async function open(kind, hash = '') {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...kind });
  const page = await newPage(context);
  await page.goto(vitrina.wall + hash);
  return page;
}

async function fill(page, [name, password]) {
  await page.fill('[name=username]', name);
  await page.fill('[name=password]', password);
  await page.keyboard.press('Enter');
}

async function logIn(page, who) {
  await page.locator('.door form').waitFor();
  await fill(page, who);
}

/** axe finds nothing wrong here, and nothing is wider than the window. */
async function isClean(page, place) {
  // Activity brings back what has faded.
  await page.mouse.move(0, 1);
  await page.mouse.move(0, 0);
  if (SHOTS) {
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${place}.png`) });
  }
  assert.deepEqual(await violations(page), [], place);
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${place} is too wide`);
  assert.deepEqual(page.errors, [], place);
}

const words = (page, selector) => page.locator(selector).first().innerText();

/** Brings a photo by dropping it on the page. */
function drop(page, name) {
  return page.evaluate(async (name) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 48 });
    canvas.getContext('2d').fillRect(0, 0, 32, 48);
    const picture = await new Promise((done) => canvas.toBlob(done, 'image/jpeg'));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([picture], name, { type: 'image/jpeg' }));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }, name);
}

test('without logins nothing asks for anything, and on its own machine the house offers the first', async () => {
  marta = await open(DESK);
  await live(marta, 'house/door', SOON);
  assert.equal(await marta.locator('.mine').count(), 0, 'nobody has a name');
  await marta.keyboard.press('4');
  await marta.locator('.hang .tile[data-state=live]').first().waitFor();
  await isClean(marta, 'set-up');
  await fill(marta, ['marta', 'short']);
  await marta.locator('.lined .e').waitFor();
  await isClean(marta, 'set-up-refused');
  await fill(marta, MARTA);
  await marta.locator('[data-user=marta]').waitFor();
  assert.equal(await words(marta, '.mine'), 'marta');
  await isClean(marta, 'logins');
});

test('who runs the house adds people, in a sentence', async () => {
  await marta.keyboard.press('n');
  await fill(marta, TOM);
  await marta.locator('[data-user=tom] .hit').click();
  await marta.locator('[data-user=tom] [role=checkbox]').first().click();
  await until('one camera is left', async () => /attic|door/.test(await words(marta, '[data-user=tom] .talks')));
  await isClean(marta, 'person');
  await marta.keyboard.press('Escape');
  await marta.keyboard.press('n');
  await marta.locator('.opened .talks .phrase button').first().click();
  await marta.keyboard.press('ArrowUp');
  await marta.keyboard.press('Enter');
  await fill(marta, ANA);
  await marta.locator('[data-user=ana]').waitFor();
  assert.match(await words(marta, '[data-user=ana] small'), /^Operator\./);
});

test('whoever is not logged in sees a door, the same for a wrong name and a wrong password', async () => {
  const page = await open(PHONE, '#/photos');
  await page.locator('.door form').waitFor();
  assert.equal(await page.locator('canvas, img, nav').count(), 0, 'nothing of the house is on the page');
  await isClean(page, 'door-phone');
  const said = [];
  for (const wrong of [['nobody', 'x'], ['tom', 'x']]) {
    await fill(page, wrong);
    said.push(await words(page, '.lined .e'));
    await isClean(page, 'door-wrong-phone');
    await until('it may be tried again', async () => (await page.locator('.door .pill').getAttribute('aria-disabled')) !== 'true', SOON);
  }
  assert.equal(said[0], said[1]);
  await page.context().close();
});

test('a viewer sees what is theirs, and is told whose the rest is to give', async () => {
  const tom = await open(PHONE, '#/photos');
  await logIn(tom, TOM);
  await tom.locator('.page').waitFor();
  assert.match(tom.url(), /#\/photos$/, 'back where one was');
  assert.equal(await tom.locator('.page .pill').count(), 0, 'nothing to bring photos with');
  await tom.keyboard.press('1');
  const tile = tom.locator('.wall .tile');
  await until('the one camera is live', async () => (await tile.count()) === 1 && (await tile.getAttribute('data-state')) === 'live', SOON);
  assert.equal(await tom.locator('.shoot').count(), 0);
  await tom.keyboard.press('s');
  await tom.locator('.toast.bad').waitFor();
  assert.match(await words(tom, '.toast.bad'), /Solo para operadores: hacer fotos\s+Tú miras. marta puede cambiarlo\./);
  await isClean(tom, 'viewer-phone');
  const hidden = (await tile.getAttribute('data-camera')) === 'house/door' ? 'attic' : 'door';
  for (const address of [`#/camera/house/${hidden}`, '#/camera/house/nowhere', '#/house']) {
    await tom.goto(vitrina.wall + address);
    await tom.locator('.denied').waitFor();
    assert.equal(await words(tom, '.denied h1'), 'No está, o no es para ti', address);
  }
  await isClean(tom, 'denied-phone');
  await tom.goto(`${vitrina.wall}#/me`);
  await tom.locator('.devices li').waitFor();
  await isClean(tom, 'me-phone');
  await tom.goto(`${vitrina.wall}#/people`);
  await tom.locator('.say textarea').waitFor();
  await isClean(tom, 'people-phone');

  await tom.keyboard.press('1');
  await tile.first().waitFor();
  await marta.locator('[data-user=tom] .hit').click();
  await marta.locator('.opened .phrase button').first().click();
  await marta.keyboard.press('ArrowUp');
  await marta.keyboard.press('Enter');
  await tom.locator('.shoot').first().waitFor({ state: 'attached' });
  await marta.locator('.toast.done button').click();
  await until('undone, it is gone', async () => (await tom.locator('.shoot').count()) === 0);
  await marta.keyboard.press('Escape');
  await tom.context().close();
});

test('an operator whose login ends finds everything again behind the door, and no photo is lost', async () => {
  const ana = await open(DESK);
  await logIn(ana, ANA);
  await live(ana, 'house/door', SOON);
  assert.equal(await ana.locator('.shoot').count(), 2);
  assert.equal(await ana.locator('nav a', { hasText: 'House' }).count(), 0, 'who does not run the house has no word for it');
  await isClean(ana, 'operator');
  const other = await open(DESK, '#/me');
  await logIn(other, ANA);
  await until('both devices are there', async () => (await other.locator('.devices li').count()) === 2);
  await isClean(other, 'me');

  await ana.keyboard.press('2');
  await ana.locator('.page').waitFor();
  // What is sent meanwhile waits at the door.
  await ana.route('**/upload', (route) => route.request().method() === 'POST' ? route.abort() : route.continue());
  await drop(ana, 'waits.jpg');
  await other.locator('.yours > .pill').click();
  await ana.locator('.door form').waitFor();
  assert.equal(await ana.locator('canvas, img, nav, .loads').count(), 0, 'nothing of before is shown');
  await isClean(ana, 'door-ended');
  await ana.unroute('**/upload');
  await logIn(ana, ANA);
  await ana.locator('.grid a').waitFor();
  assert.match(ana.url(), /#\/photos$/);

  const id = await ana.locator('.grid [data-photo]').first().getAttribute('data-photo');
  const status = () => ana.evaluate(async (id) => (await fetch(`photos/${id}/thumb`)).status, id);
  assert.equal(await status(), 200);
  await marta.locator('[data-user=ana] .hit').click();
  await marta.locator('.opened .bad').click();
  await ana.locator('.door form').waitFor();
  await until('not even what the browser keeps is there for the next one', async () => (await status()) === 401);
  await other.locator('.door form').waitFor();
  await marta.locator('.toast.done button').click();
  await marta.locator('[data-user=ana]').waitFor();
  await logIn(other, ANA);
  await other.locator('.devices li').waitFor();

  await other.locator('.do .pill').click();
  await other.locator('.door form').waitFor();
  await other.goBack();
  assert.equal(await other.locator('canvas, img').count(), 0, 'Back does not lead in');
  for (const page of [ana, other]) await page.context().close();
});

test('the last one who runs the house cannot go', async () => {
  await marta.locator('[data-user=marta] .hit').click();
  assert.equal(await marta.locator('.opened .bad, .opened .phrase, .opened [role=checkbox]').count(), 0);
  await isClean(marta, 'last-admin');
  await marta.goto(`${vitrina.wall}#/house/log`);
  await marta.locator('[data-entry]').first().waitFor();
  await isClean(marta, 'log');
});

test('who looks without a login sees that there is more, and has it after logging in', async (t) => {
  const open = await Vitrina.start([], { set: ['node.name=yard', 'gallery.visitors=look'] });
  t.after(() => open.stop());
  const context = async (kind, hash) => {
    const page = await newPage(await browser.newContext({ reducedMotion: 'reduce', ...kind }));
    t.after(() => page.context().close());
    await page.goto(open.wall + hash);
    return page;
  };
  const admin = await context(DESK, '#/house');
  await fill(admin, MARTA);
  await admin.locator('[data-user=marta]').waitFor();
  assert.match(await words(admin, '.sentence'), /somebody may look$/);
  await admin.keyboard.press('n');
  await fill(admin, TOM);
  await admin.locator('[data-user=tom]').waitFor();

  const tom = await context(PHONE, '');
  await live(tom, 'yard/test-card', SOON);
  assert.deepEqual(await tom.locator('nav a').allInnerTexts(), ['Muro', 'Fotos']);
  assert.match(await words(tom, '.say2'), /^Miras sin cuenta\./);
  await isClean(tom, 'visitor-phone');
  await tom.locator('.bar .pill').click();
  await isClean(tom, 'visitor-door-phone');
  await logIn(tom, TOM);
  await until('one is back, with more rooms', async () => (await tom.locator('nav a').count()) === 3);
  // The connection is theirs now, too: what is changed for them reaches it.
  await admin.locator('[data-user=tom] .hit').click();
  await admin.locator('.opened .phrase button').first().click();
  await admin.keyboard.press('ArrowUp');
  await admin.keyboard.press('Enter');
  await tom.locator('.shoot').first().waitFor({ state: 'attached' });
  await live(tom, 'yard/test-card', SOON);
});

test('the one-time address runs a house once, and does not stay in the address bar', async () => {
  const used = await open(PHONE, 'setup#0123456789abcdefghij');
  await used.locator('.door h1').waitFor();
  assert.ok(!used.url().includes('0123456789'), used.url());
  assert.equal(await words(used, '.door h1'), 'Esta dirección ya se usó');
  await isClean(used, 'setup-used-phone');
  await used.context().close();
});
