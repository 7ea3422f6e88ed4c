// Frames on their way: each is checked against what the test camera made.

import { strict as assert } from 'node:assert';

import { unstamp, uncomment } from './jpeg.mjs';

/**
 * Sees that a frame is byte for byte the test camera's but for our stamp. The camera shows
 * `pictures` in turn, each with a comment right at its beginning that tells the number.
 * Gives our number of the frame and the camera's.
 */
export function asMade(jpeg, pictures) {
  const { stamp, bare } = unstamp(jpeg);
  assert.equal(bare[3], 0xfe, "the camera's comment comes first, as it was made");
  const { made, bare: picture } = uncomment(bare);
  const number = Number(made.seq);
  assert.ok(picture.equals(pictures[number % pictures.length]), `frame ${number} is the camera's`);
  return { seq: Number(stamp.seq), number };
}

/** The sum of what was dropped. */
export const dropped = (stats) => Object.values(stats.dropped).reduce((sum, n) => sum + n, 0);

/** Sees that every frame made is accounted for. */
export function accounted(stats) {
  assert.equal(stats.made, stats.published + dropped(stats), JSON.stringify(stats));
}

/** How the counts by reason grew from one stats to a later one. */
export function growth(before, after) {
  const reasons = Object.keys(after.dropped);
  return Object.fromEntries(reasons.map((reason) => [reason, after.dropped[reason] - (before.dropped[reason] ?? 0)]));
}
