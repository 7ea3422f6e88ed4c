// What is in a gallery's store, by its files and by what it says.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

const PICTURE = /^[0-9A-HJKMNP-TV-Z]{26}\.(jpg|png|webp|gif)$/;

/** Every photo that the gallery lists, newest first. */
export async function listed(gallery) {
  const photos = [];
  let page = '/api/photos?limit=500';
  while (page) {
    const answer = await fetch(new URL(page, gallery));
    if (!answer.ok) throw new Error(`${page}: ${answer.status} ${await answer.text()}`);
    photos.push(...(await answer.json()));
    page = /<([^>]+)>; *rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  return photos;
}

/** Every file below a folder. */
export function files(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/**
 * Compares what the gallery lists with the files below `photos`; gives what is wrong, in words.
 * @param {object[]} list as `listed` gives it
 * @param {string} photos the folder of the files by date
 */
export function disagreements(list, photos) {
  const wrong = [];
  const pictures = new Map(
    files(photos).filter((path) => PICTURE.test(basename(path))).map((path) => [basename(path, extname(path)), path]),
  );
  const seen = new Set();
  for (const { id, hash, bytes } of list) {
    if (seen.has(id)) wrong.push(`${id} is listed twice`);
    seen.add(id);
    const path = pictures.get(id);
    if (!path) {
      wrong.push(`${id} is listed, but has no file`);
      continue;
    }
    const content = readFileSync(path);
    if (content.length !== bytes) wrong.push(`${id} has ${content.length} bytes, not ${bytes}`);
    if (createHash('sha256').update(content).digest('hex') !== hash) wrong.push(`${id} is torn`);
  }
  for (const id of pictures.keys()) if (!seen.has(id)) wrong.push(`${id} has a file, but is not listed`);
  return wrong;
}

/** The photo id in the stamp of a snapshot, as its node gave it. */
export function stamped(jpeg) {
  return /photo=([0-9A-Z]{26})/.exec(jpeg.subarray(0, 4096).toString('latin1'))?.[1];
}
