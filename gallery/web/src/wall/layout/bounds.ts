// What holds for every wall. All lengths are CSS pixels, aspects are width / height.

/** The part of one side, 0 to 1, that a picture may lose to reach the edges. */
export const CROP = 0.18;

/** No side of a tile is shorter. */
export const LEAST = 72;

/** The most that the largest tile has of the area of the smallest. */
const MOST = 4;

/** Aspects beyond these are laid out, and cropped, as these. */
const TALLEST = 9 / 16;
const WIDEST = 21 / 9;

/** The aspect that a picture is laid out with. */
export function layable(aspect: number): number {
  return Math.min(WIDEST, Math.max(TALLEST, aspect));
}

/** Widths from `low` to `high`; none where `low` is more. */
export interface Range {
  low: number;
  high: number;
}

/**
 * The widths of a tile of this height on a wall whose smallest tile has this area. Edges are put on
 * whole pixels in the end, which changes a side by less than one: the bounds hold after that.
 */
export function widths(aspect: number, height: number, area: number): Range {
  const least = LEAST + 0.01;
  if (height < least) return { low: 1, high: 0 };
  const low = Math.max(least, aspect * (1 - CROP) * (height + 1) + 1, area / (height - 1) + 1);
  const high = Math.min((aspect / (1 - CROP)) * (height - 1) - 1, (area * MOST) / (height + 1) - 1);
  return { low, high };
}
