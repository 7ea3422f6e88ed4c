// The cameras of a gallery that was away: one that has just started learns of them one by one, and
// meanwhile each keeps its place.

import type { Camera } from "./messages";

/** How long a camera may take to return after the connection came back, in ms; then it is gone. */
export const PATIENCE = 10_000;

/** The cameras known now, and each missing earlier one after its neighbour. */
export function withMissing(before: readonly Camera[], now: readonly Camera[]): Camera[] {
  const all = [...now];
  let place = 0;
  for (const camera of before) {
    const at = all.findIndex((other) => other.camera === camera.camera);
    if (at < 0) all.splice(place++, 0, camera);
    else place = at + 1;
  }
  return all;
}
