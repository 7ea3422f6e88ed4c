// Each room and state of the page, one after the other, as one person brings them about.

import { Cameras } from './preload.mjs';
import { until } from './until.mjs';
import { Vitrina } from './vitrina.mjs';
import { live, tile, tiles } from './wall.mjs';

const SLOW = { limit: 30_000 };

/** The house's cameras; the last two come to grief. */
const NAMES = ['bird-bath', 'north-door', 'roof', 'stage'];

export class Tour {
  /** A house with cameras, beside it a gallery that only shows, and a house where nothing is yet. */
  static async start() {
    const tour = new Tour();
    tour.cameras = new Cameras(NAMES.length);
    const cameras = NAMES.map((name, n) =>
      `{name="${name}", device="/dev/v4l/by-id/usb-Rig_Rig_Test_Camera_RIG000${n}-video-index0", width=1280, height=720, fps=5}`);
    tour.house = await Vitrina.start([], { set: ['node.name=house', `node.camera=[${cameras}]`], env: tour.cameras.env });
    tour.beside = await Vitrina.start(['gallery'], { set: [`gallery.broker=${tour.house.ready.broker}`] });
    tour.empty = await Vitrina.start([], { set: ['node.name=empty', 'node.test_card.show=never'] });
    return tour;
  }

  async stop() {
    await Promise.all([this.house, this.beside, this.empty].map((part) => part?.stop()));
  }

  /**
   * Leads a page through all of it, and calls `visit` with the name of each place when it is there.
   * @param {import('playwright-core').Page} page whose browser has a camera
   */
  async lead(page, visit) {
    const at = (selector) => page.locator(selector).first();
    const go = (hash) => page.goto(`${this.house.wall}${hash}`);
    const there = (selector) => at(selector).waitFor({ timeout: SLOW.limit });
    const gone = (selector) => until(`no ${selector}`, async () => (await page.locator(selector).count()) === 0, SLOW);

    await go('#/');
    const all = await until('all tiles', async () => {
      const names = Object.keys(await tiles(page));
      return names.length === NAMES.length && names.sort();
    }, SLOW);
    for (const camera of all) await live(page, camera, SLOW);
    await visit('wall');
    await page.keyboard.press('i');
    await there('.parts [data-part=draw]');
    await visit('wall-measured');
    await page.keyboard.press('i');
    await page.keyboard.press('o');
    await page.locator('.floor.tools').waitFor();
    await page.locator('.wall .tile .open').first().focus();
    await page.keyboard.press('h');
    await visit('wall-arranged');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await there('dialog');
    await visit('keys');
    await page.keyboard.press('Escape');
    await gone('dialog');

    await go(`#/camera/${all[0]}`);
    await there('.stage canvas');
    await until('it is live', () => page.evaluate("document.querySelector('.stage .tile').dataset.state === 'live'"), SLOW);
    await visit('camera');
    await page.keyboard.press('n');
    await there('.head .titling input');
    await visit('camera-name');
    await page.keyboard.press('Escape');
    await gone('.titling');
    await page.keyboard.press('i');
    await there('.film .parts b');
    await visit('camera-measured');
    await page.keyboard.press('i');
    await page.keyboard.press('s');
    await page.keyboard.press('Escape');
    await there('.strip [data-photo]:not(.coming) a');
    await visit('wall-photos');
    await go('#/camera/house/nowhere');
    await there('.hollow');
    await visit('camera-gone');

    await go('#/photos');
    await there('.grid a');
    await visit('photos');
    await at('.sentence button').click();
    await there('[role=option]');
    await visit('photos-choose');
    await page.keyboard.press('Escape');
    await page.locator('.sentence button').last().click();
    await page.keyboard.type('a');
    await there('.found [role=option]');
    await visit('photos-word');
    await page.keyboard.press('Escape');
    await gone('.typed');
    await at('.ask [aria-pressed]').click();
    await there('.floor');
    await visit('select-none');
    await at('.grid a').click();
    await there('.floor [aria-disabled=false]');
    await visit('select');
    await page.keyboard.press('c');
    await there('.floor input');
    await visit('select-caption');
    await page.keyboard.press('Escape');
    await gone('.floor input');
    await page.keyboard.press('Escape');
    await gone('.floor');
    await at('.day .play').click();
    await there('.dayfilm canvas[data-at]');
    await visit('film');
    await page.keyboard.press('d');
    await there('[role=menuitem]');
    await visit('film-take');
    await page.keyboard.press('Escape');
    await gone('[role=menu]');
    await page.keyboard.press('Escape');
    await gone('.dayfilm');
    await at('.ask .do .word').click();
    await there('.slideshow .now');
    await visit('slideshow');
    await page.keyboard.press('Escape');
    await gone('.slideshow');
    await bring(page, ['dragenter']);
    await there('.drop');
    await visit('drop');
    await bring(page, ['drop'], [['broken.jpg', 'no picture']]);
    await there('.loads .failed');
    await visit('uploads');
    await at('.loads .round').click();
    await go('#/photos?day=2001-01-01');
    await there('.hollow');
    await visit('photos-none');

    await go('#/photos');
    await there('.grid a');
    await at('.grid a').click();
    await there('.viewer .pswp__img');
    await visit('viewer');
    await page.keyboard.press('i');
    await there('.viewer .side dd');
    await visit('viewer-facts');
    await page.keyboard.press('i');
    await at('.viewer .caption').click();
    await there('.viewer input');
    await visit('viewer-caption');
    await page.keyboard.press('Escape');
    const photos = await page.locator('.grid [data-photo]').count();
    await page.keyboard.press('Delete');
    await there('.toast.done');
    await visit('undo');
    await page.keyboard.press('Control+z');
    await until('it is brought back', async () => (await page.locator('.grid [data-photo]').count()) === photos, SLOW);
    await go('#/photos');
    await gone('.viewer');
    await go('#/photo/01ARZ3NDEKTSV4RRFFQ69G5FAV');
    await there('.viewer .hollow');
    await visit('viewer-gone');

    await go('#/people');
    await there('.say textarea');
    await visit('people');
    await page.fill('.say textarea', 'The heron is back');
    await page.keyboard.press('Enter');
    await there('dialog');
    await visit('name');
    await page.keyboard.type('Ana');
    await page.keyboard.press('Enter');
    await there('.log b');
    await at('.say .round').click();
    await there('.picks button');
    await visit('mention');
    await at('.picks .photos button').click();
    await page.fill('.say textarea', `${await at('.say textarea').inputValue()} and there is #camera/${all[1]}`);
    await page.keyboard.press('Enter');
    await there('.log .shot img');
    await there('.log .shot .tile[data-state=live]');
    await visit('talk');
    await at('.names .self button').click();
    await there('.names input');
    await visit('rename');
    await page.keyboard.press('Escape');
    await at('.bar .inviter').click();
    await there('.inviting .join');
    await visit('invite');
    await page.keyboard.press('Escape');
    await gone('.inviting');
    await at('.bar .push button:has(svg):not(.inviter)').click();
    await there('.me video');
    await visit('my-camera');
    await at('.me .row .pill').click();
    await there('.me .onair .lamp.live');
    await visit('on-air');
    await page.keyboard.press('1');
    await until('all are live, the own tile too', async () => {
      const states = Object.values(await tiles(page)).map(({ state }) => state);
      return states.length === NAMES.length + 1 && states.every((state) => state === 'live');
    }, SLOW);
    await visit('wall-with-mine');
    await page.keyboard.press('3');
    await at('.me .row .word').click();
    await gone('.me video');
    await at(':is(.self > .word, .reach button):visible').click();
    await gone('.names .self');
    await go('#/people/log');
    await there('[data-entry]');
    await visit('log');

    await go('#/');
    await until('the own tile is gone', async () => Object.keys(await tiles(page)).length === NAMES.length, SLOW);
    this.cameras.command('2 unplug');
    this.cameras.command('3 stall');
    await tile(page, all[3], 'is stale', ({ state }) => state === 'stale', SLOW);
    await visit('wall-stale');
    for (const camera of all.slice(2)) await tile(page, camera, 'is lost', ({ state }) => state === 'lost', SLOW);
    await visit('wall-lost');
    await go(`#/camera/${all[3]}`);
    await there('.stage .why');
    await visit('camera-lost');
    this.cameras.command('2 plug');
    this.cameras.command('3 resume');

    await page.goto(this.beside.wall);
    await there('.toast.bad');
    await visit('notice');
    await page.goto(this.empty.wall);
    await there('.hollow');
    await visit('wall-empty');
    await page.keyboard.press('2');
    await there('.page .hollow');
    await visit('photos-empty');

    await go('#/');
    for (const camera of all) await live(page, camera, SLOW);
    await this.house.kill();
    await there('.lost-line .lamp.stale');
    await visit('connection-lost');
    await this.house.again();
    await gone('.lost-line');
    for (const camera of all) await live(page, camera, SLOW);
  }
}

/** Holds files over the page, or drops them. */
function bring(page, kinds, files = [['photo.jpg', '']]) {
  return page.evaluate(([kinds, files]) => {
    const dataTransfer = new DataTransfer();
    for (const [name, text] of files) dataTransfer.items.add(new File([text], name, { type: 'image/jpeg' }));
    for (const kind of kinds) document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }, [kinds, files]);
}
