// Heights that were found in steps are made exact: rows give each other what makes the wall better,
// first much at once, then less and less.

import type { Room } from "./box";
import { rowScore, type Wall } from "./score";

/** What is given at first, in pixels, and at last. */
const FIRST = 16;
const LAST = 0.5;

/** The most rounds for each amount. */
const ROUNDS = 4;

export function polish(wall: Wall, aspects: readonly number[], room: Room, calm: number): Wall {
  const { rows } = wall;
  let { heights, area } = wall;
  const score = (i: number, height: number, smallest = area): number =>
    rowScore(rows[i]!, aspects, height, smallest, room, calm);
  let scores = heights.map((height, i) => score(i, height));
  let free = room.height - room.gap * (rows.length - 1) - sum(heights);

  /** Makes one row higher and another, if any, lower, and tells whether that is better. */
  const give = (to: number, from: number | null, amount: number): boolean => {
    const taller = score(to, heights[to]! + amount);
    const lower = from === null ? 0 : score(from, heights[from]! - amount);
    const before = scores[to]! + (from === null ? 0 : scores[from]!);
    if (taller + lower <= before + 1e-9) return false;
    heights = heights.map((height, i) =>
      i === to ? height + amount : i === from ? height - amount : height,
    );
    scores = scores.map((old, i) => (i === to ? taller : i === from ? lower : old));
    if (from === null) free -= amount;
    return true;
  };

  for (let amount = FIRST; amount >= LAST; amount /= 2) {
    for (let round = 0, better = true; better && round < ROUNDS; round++) {
      better = false;
      for (const to of rows.keys()) {
        if (free > 0 && give(to, null, Math.min(free, amount))) better = true;
        for (const from of rows.keys()) {
          if (from !== to && give(to, from, amount)) better = true;
        }
      }
      // With larger tiles the smallest may be larger too, and with it the largest.
      for (const factor of [1 + amount / 400, 1 - amount / 400]) {
        const now = heights.map((height, i) => score(i, height, area * factor));
        const gain = sum(now) - sum(scores);
        if (gain < (factor > 1 ? -1e-9 : 1e-9)) continue;
        [scores, area, better] = [now, area * factor, true];
      }
    }
  }
  return { rows, heights, area, score: sum(scores) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, n) => all + n, 0);
}
