// Names for people: cameras and nodes are named on the page, and are called so everywhere.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';

import { violations } from '../harness/axe.mjs';
import { launch } from '../harness/chromium.mjs';
import { publish } from '../harness/mosquitto.mjs';
import { newPage } from '../harness/page.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';
import { live } from '../harness/wall.mjs';

const SOON = { limit: 20_000 };
const LONG = 'The north door of the old house down by the river, second floor';
const DOOR = 'here/test-card';
const SHED = 'shed/test-card';

let vitrina;
let shed;
let browser;
let ana;
let bo;

before(async () => {
  const card = ['node.test_card.show=always'];
  vitrina = await Vitrina.start([], { set: ['node.name=here', ...card] });
  shed = await Vitrina.start(['node'], { set: ['node.name=shed', `node.broker=${vitrina.ready.broker}`, ...card] });
  browser = await launch();
  [ana, bo] = [await person(), await person({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })];
});

after(async () => {
  await browser?.close();
  await shed?.stop();
  await vitrina?.stop();
});

async function person(more = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...more });
  const page = await newPage(context);
  await page.goto(vitrina.wall);
  for (const camera of [DOOR, SHED]) await live(page, camera, SOON);
  return page;
}

const plate = (page, camera) => page.locator(`.wall [data-camera="${camera}"] .plate .name`);
const called = (page, camera, name) => until(`${camera} is called ${name}`, async () => {
  const text = await plate(page, camera).textContent();
  if (text === name) return true;
  throw new Error(text);
}, SOON);
const field = (page) => page.getByRole('textbox', { name: 'Name of this camera' });
const machine = (page) => page.getByRole('textbox', { name: 'Name of its machine' });

async function enlarge(page, camera) {
  await page.goto(`${vitrina.wall}#/`);
  await page.goto(`${vitrina.wall}#/camera/${camera}`);
  await page.locator('.head h1').waitFor();
}

/** Gives the large camera a name by the keys alone. */
async function name(page, camera, given) {
  await enlarge(page, camera);
  await page.keyboard.press('n');
  await field(page).fill(given);
  await page.keyboard.press('Enter');
  await field(page).waitFor({ state: 'detached' });
}

test('a click on the name of a large camera changes it where it stands, and for everybody', async () => {
  await enlarge(ana, DOOR);
  await ana.getByRole('button', { name: 'Test card, here', exact: true }).click();
  assert.equal(await field(ana).inputValue(), 'Test card', 'the name, without what tells it from the other');
  await ana.getByText('The address stays here/test-card').waitFor();
  assert.deepEqual(await violations(ana), []);
  await ana.keyboard.type('北门');
  await ana.keyboard.press('Enter');
  await ana.getByRole('button', { name: '北门', exact: true }).waitFor(SOON);
  assert.equal(await ana.evaluate('document.activeElement.tagName'), 'H1', 'the keys go on');
  await until('the window is called so', async () => (await ana.title()) === '北门 · Vitrina');
  await called(bo, DOOR, '北门');
  await called(bo, SHED, 'Test card');
  assert.match(await bo.locator(`[data-camera="${DOOR}"] .open`).getAttribute('aria-label'), /^北门: live/);
  await ana.keyboard.press('Escape');
  await called(ana, DOOR, '北门');
});

test('Esc leaves the name as it was, and only then the camera', async () => {
  await enlarge(ana, DOOR);
  await ana.keyboard.press('n');
  await field(ana).fill('Not this');
  await ana.keyboard.press('Escape');
  await ana.getByRole('heading', { name: '北门' }).waitFor();
  assert.ok(ana.url().endsWith(`#/camera/${DOOR}`));
  await ana.keyboard.press('Escape');
  await called(ana, DOOR, '北门');
});

test('two cameras of one name are told apart by the names of their machines, which are changed beside it', async () => {
  await name(ana, SHED, '北门');
  await called(bo, DOOR, '北门, here');
  await called(bo, SHED, '北门, shed');
  await enlarge(ana, DOOR);
  await ana.keyboard.press('n');
  assert.equal(await field(ana).inputValue(), '北门');
  assert.equal(await machine(ana).inputValue(), 'here');
  await machine(ana).fill('Das alte Haus');
  await ana.keyboard.press('Enter');
  await called(bo, DOOR, '北门, Das alte Haus');
  await name(ana, SHED, 'Shed');
  await called(bo, DOOR, '北门');
});

test('a long name loses its middle where there is no room, and is whole for who listens', async () => {
  await name(ana, DOOR, LONG);
  await called(bo, DOOR, LONG);
  const seen = await plate(bo, DOOR).evaluate((name) => {
    const [begin, end] = name.children;
    const inside = (part) => part.getBoundingClientRect().right <= name.closest('.tile').getBoundingClientRect().right;
    return { end: end.textContent, begins: begin.clientWidth > 60, isCut: begin.scrollWidth > begin.clientWidth, inside: inside(end), title: name.title };
  });
  assert.deepEqual(seen, { end: ' floor', begins: true, isCut: true, inside: true, title: LONG });
  assert.ok((await bo.locator(`[data-camera="${DOOR}"] .open`).getAttribute('aria-label')).startsWith(LONG));
  await enlarge(bo, DOOR);
  const heading = await bo.locator('.head h1').boundingBox();
  assert.ok(heading.x >= 0 && heading.x + heading.width <= 390, JSON.stringify(heading));
  await bo.goto(`${vitrina.wall}#/`);
});

test('a name that is too long is told before anything is sent', async () => {
  await enlarge(ana, DOOR);
  await ana.keyboard.press('n');
  await field(ana).fill('北'.repeat(65));
  await ana.keyboard.press('Enter');
  await ana.getByRole('alert').getByText('A name has at most 64 characters.').waitFor();
  await field(ana).fill('Front door');
  await ana.getByText('The address stays here/test-card').waitFor();
  await ana.keyboard.press('Enter');
  await called(bo, DOOR, 'Front door');
});

test('a thumb names a camera by tapping its name, and another place keeps it', async () => {
  await enlarge(bo, DOOR);
  await bo.getByRole('button', { name: 'Front door', exact: true }).tap();
  await field(bo).fill('Porte nord');
  await bo.locator('.stage').tap();
  await bo.getByRole('heading', { name: 'Porte nord' }).waitFor(SOON);
  await bo.goto(`${vitrina.wall}#/`);
  await called(bo, DOOR, 'Porte nord');
});

test('on the wall N names the camera that has the focus or the pointer, where its name stands', async () => {
  await ana.goto(`${vitrina.wall}#/`);
  await ana.locator(`[data-camera="${SHED}"] .open`).focus();
  await ana.keyboard.press('n');
  assert.equal(await field(ana).inputValue(), 'Shed');
  assert.ok(await ana.locator(`[data-camera="${SHED}"] .plate input`).isVisible());
  assert.deepEqual(await violations(ana), []);
  await ana.keyboard.type('Schuppen');
  await ana.keyboard.press('Enter');
  await called(bo, SHED, 'Schuppen');
  await until('the focus is where it was', () => ana.evaluate(`document.activeElement.closest('[data-camera="${SHED}"]') !== null`));
  await ana.locator(`[data-camera="${SHED}"]`).hover();
  await ana.keyboard.press('n');
  await field(ana).fill('');
  await ana.keyboard.press('Escape');
  await field(ana).waitFor({ state: 'detached' });
  await called(ana, SHED, 'Schuppen');
});

test('photos, their filter, the log and the talk call a camera by its present name', async () => {
  await enlarge(ana, DOOR);
  await ana.keyboard.press('s');
  await ana.goto(`${vitrina.wall}#/photos`);
  const photo = ana.locator('a[data-photo]').first();
  await photo.waitFor(SOON);
  const label = (is) => until(`the photo is called ${is}`, async () => (await photo.getAttribute('aria-label')).includes(is), SOON);
  await label('Porte nord');
  await publish(vitrina.port, `vitrina/${DOOR}/set/title`, '作業台');
  await label('作業台');
  await ana.getByRole('button', { name: 'every camera' }).click();
  await ana.getByRole('option', { name: /^作業台/ }).click();
  await ana.locator('.sentence button', { hasText: '作業台' }).waitFor();
  assert.ok(decodeURIComponent(ana.url()).endsWith('camera=here/test-card'), ana.url());
  await photo.click();
  // It hides while nothing moves.
  await ana.locator('.viewer .by', { hasText: '作業台' }).waitFor({ ...SOON, state: 'attached' });
  await ana.keyboard.press('Escape');
  await ana.locator('.viewer').waitFor({ state: 'detached' });
  await ana.goto(`${vitrina.wall}#/people/log`);
  await ana.getByText('here/test-card: the name is “作業台” now').waitFor(SOON);
  await ana.getByText('here: the name is “Das alte Haus” now').waitFor();
});

test('an empty name takes the earlier one again, and a node that is away keeps the words in the field', async () => {
  await name(ana, DOOR, '');
  await called(bo, DOOR, 'Test card');
  await shed.stop();
  await enlarge(ana, SHED);
  await ana.keyboard.press('n');
  await field(ana).fill('Keller');
  await ana.keyboard.press('Enter');
  await ana.getByText('The name was not kept').waitFor(SOON);
  await ana.getByText("The camera's machine cannot be reached.").waitFor();
  assert.equal(await field(ana).inputValue(), 'Keller');
  assert.deepEqual([...ana.errors, ...bo.errors], []);
});
