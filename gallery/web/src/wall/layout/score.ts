// The value of a wall.

import type { Room } from "./box";
import { isPair, natural, range, type Row } from "./row";

/** Rows with their heights, on a wall whose smallest tile has the area `area`. */
export interface Wall {
  rows: Row[];
  heights: number[];
  area: number;
  score: number;
}

// Penalties for a restless wall, in parts of the room.
/** For two lines beside an upright tile. */
const SPAN = 0.005;
/** For a row that is less wide than the room. */
const RAGGED = 0.005;
/** For tiles of twice or half an equal share of the room: in rows as wide as that, and in others,
 * where nothing but a smaller neighbour makes a tile larger. */
const UNEVEN = 0.006;
const UNEVEN_RAGGED = 0.08;
/** For pictures that are twice as wide as they should be. */
const CROPPED = 0.01;

/** What a row of this height is worth: how much of the room it covers, less what disturbs, by `calm`
 * from 0 to 1. */
export function rowScore(
  row: Row,
  aspects: readonly number[],
  height: number,
  area: number,
  { width, height: tall, gap }: Room,
  calm: number,
): number {
  if (height <= 0) return -Infinity;
  const free = width - gap * (row.length - 1);
  let low = 0;
  let high = 0;
  let wide = 0;
  let tiles = 0;
  let pairs = 0;
  for (const cell of row) {
    const may = range(cell, aspects, height, gap, area);
    if (may.low > may.high) return -Infinity;
    low += may.low;
    high += may.high;
    wide += natural(cell, aspects, height);
    if (isPair(cell)) {
      pairs++;
      tiles += cell[0].length + cell[1].length;
    } else tiles++;
  }
  if (low > free) return -Infinity;
  const ragged = high < free;
  const used = ragged ? high : free;
  const uneven = Math.log2((used * height) / tiles / ((width * tall) / aspects.length));
  const cropped = Math.abs(Math.log2(used / wide));
  const each = (ragged ? UNEVEN_RAGGED : UNEVEN) * uneven ** 2 + CROPPED * cropped;
  const disturbed = SPAN * pairs + (ragged ? RAGGED : 0) + (tiles / aspects.length) * each;
  return (used * height) / (width * tall) - calm * disturbed;
}
