// What a person sees on the wall, read from the page.

import { until } from './until.mjs';

/** The attributes of every tile: `{camera: {state, age}}`, the age in ms. */
export function tiles(page) {
  return page.evaluate(READ_TILES);
}

/** The same as an expression for a page that has no Playwright. */
export const READ_TILES = `Object.fromEntries([...document.querySelectorAll('[data-camera]')].map((tile) =>
  [tile.dataset.camera, { state: tile.dataset.state, age: Number(tile.dataset.ageMs ?? NaN), words: tile.innerText }]))`;

/** Waits until the tile of a camera satisfies `is`. */
export function tile(page, camera, what, is, options) {
  return until(`${camera} ${what}`, async () => {
    const all = await tiles(page);
    if (all[camera] && is(all[camera])) return all[camera];
    throw new Error(JSON.stringify(all));
  }, options);
}

/** Waits until a camera is live on the wall with a fresh picture. */
export function live(page, camera, options) {
  return tile(page, camera, 'is live', ({ state, age }) => state === 'live' && age < 2000, options);
}

/** A page of a wall with one camera, once that is live: `{page, camera}`. */
export async function watch(browser, wall) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(wall);
  const camera = await until('a tile', async () => Object.keys(await tiles(page))[0]);
  await live(page, camera);
  return { page, camera };
}

/**
 * What is drawn on a camera's canvas, as a short text: 64 by 36 pixels. Two texts are equal if and
 * only if the picture did not change there.
 */
export function pixels(page, camera) {
  return page.evaluate(pixelsOf(camera));
}

/** The same as an expression. */
export const pixelsOf = (camera) => `(() => {
  const canvas = document.querySelector('[data-camera="${camera}"] canvas');
  const small = new OffscreenCanvas(64, 36).getContext('2d', { willReadFrequently: true });
  small.drawImage(canvas, 0, 0, 64, 36);
  const { data } = small.getImageData(0, 0, 64, 36);
  return btoa(String.fromCharCode(...data.filter((_, i) => i % 4 < 3)));
})()`;

/** Waits until `count` different pictures were seen on a camera's canvas. */
export async function changes(page, camera, count, options) {
  const seen = new Set();
  await until(`${count} different pictures of ${camera}`, async () => {
    seen.add(await pixels(page, camera));
    if (seen.size >= count) return true;
    throw new Error(`${seen.size} so far`);
  }, options);
}
