// The most that rows can cover within the bounds of the wall, found by trying all: every way to
// break the list, every height of each row in steps, and each picture cropped by itself. It knows
// nothing of how the wall is laid out.

export interface Bounds {
  /** How much of a side a picture gives up, 0 to 1. */
  crop: number;
  /** No side is shorter, in pixels. */
  least: number;
  /** The largest tile's area by the smallest one's. */
  most: number;
}

export interface Room {
  width: number;
  height: number;
  gap: number;
}

/** How many heights of rows, and sizes of the smallest tile, are tried. */
const HEIGHTS = 80;
const SIZES = 16;

/** The part of the room, 0 to 1, that the best rows cover; 0 if none keep the bounds. */
export function bestRows(aspects: readonly number[], room: Room, bounds: Bounds): number {
  const share = (room.width * room.height) / aspects.length;
  const smallest = Math.max(bounds.least ** 2, share / 16);
  if (smallest > share) return 0;
  let best = 0;
  for (let size = 0; size < SIZES; size++) {
    const area = smallest * (share / smallest) ** (size / (SIZES - 1));
    best = Math.max(best, mostArea(aspects, room, bounds, area));
  }
  return best / (room.width * room.height);
}

/** The same as an area, where no tile may be smaller than `area`. */
function mostArea(aspects: readonly number[], room: Room, bounds: Bounds, area: number): number {
  const n = aspects.length;
  const step = (room.height + room.gap) / HEIGHTS;
  // What the tiles up to each one cover, by the height of their rows in steps; -1 where they cannot.
  const covered = Array.from({ length: n + 1 }, () => new Float64Array(HEIGHTS + 1).fill(-1));
  covered[0]![0] = 0;
  for (let from = 0; from < n; from++) {
    for (let to = from + 1; to <= n; to++) {
      for (let steps = 1; steps <= HEIGHTS; steps++) {
        const row = aspects.slice(from, to);
        const more = rowArea(row, steps * step - room.gap, room, bounds, area);
        if (more < 0) continue;
        for (let before = 0; before + steps <= HEIGHTS; before++) {
          const sofar = covered[from]![before]!;
          const place = before + steps;
          if (sofar >= 0) covered[to]![place] = Math.max(covered[to]![place]!, sofar + more);
        }
      }
    }
  }
  return Math.max(...covered[n]!);
}

/** What a row of this height covers; -1 where it cannot be so high. */
function rowArea(
  aspects: readonly number[],
  height: number,
  { width, gap }: Room,
  { crop, least, most }: Bounds,
  area: number,
): number {
  const free = width - gap * (aspects.length - 1);
  if (height < least) return -1;
  let narrowest = 0;
  let widest = 0;
  for (const aspect of aspects) {
    const low = Math.max(aspect * height * (1 - crop), area / height, least);
    const high = Math.min((aspect * height) / (1 - crop), (area * most) / height);
    if (low > high) return -1;
    narrowest += low;
    widest += high;
  }
  return narrowest > free ? -1 : height * Math.min(free, widest);
}
