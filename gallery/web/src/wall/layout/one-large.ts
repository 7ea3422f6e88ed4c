// A wall with one large picture, whole, and all others in equal cells: at its right where the room
// is wide, else below it.

import { layable, LEAST } from "./bounds";
import { uncropped, type Box, type Room } from "./box";
import { inCell } from "./grid";

/** The others may have this part of the room, or whatever the large one leaves. */
const SHARE = 1 / 3;

/** The room is wide from this aspect on. */
const WIDE = 1.2;

/** The cells of the others: `count` in a line, which is as long as the room, and so many lines. */
interface Cells {
  count: number;
  lines: number;
  /** The sides of a cell along its line, and across it. */
  along: number;
  across: number;
}

/** One box for each tile, `large` is the index of the large one. They may need more height than there is. */
export function oneLarge(aspects: readonly number[], large: number, room: Room): Box[] {
  const aspect = aspects[large] ?? 1;
  const others = aspects.filter((_, i) => i !== large);
  if (others.length === 0) return [uncropped(aspect, room)];
  const mean = others.reduce((sum, other) => sum + layable(other), 0) / others.length;
  const { width, height, gap } = room;
  const column =
    width / height >= WIDE
      ? cells(others.length, 1 / mean, height, free(width, height * aspect), gap)
      : null;
  const row = column ?? cells(others.length, mean, width, free(height, width / aspect), gap);
  const made = row ?? least(others.length, mean, width, gap);
  const deep = made.lines * (made.across + gap);
  const own = column
    ? { width: width - deep, height }
    : // Where all do not fit, the large one keeps its size and the wall scrolls.
      { width, height: row ? height - deep : Math.min(height, width / aspect) };
  const first = uncropped(aspect, own);
  const foot = column ? own.width : own.height;
  const used = Math.min(made.count, others.length);
  const start = ((column ? height : width) - used * (made.along + gap) + gap) / 2;
  const rest = others.map((other, i) => {
    const along = start + (i % made.count) * (made.along + gap);
    const across = foot + gap + Math.floor(i / made.count) * (made.across + gap);
    const cell = column
      ? { x: across, y: along, width: made.across, height: made.along }
      : { x: along, y: across, width: made.along, height: made.across };
    return inCell(other, cell);
  });
  return [...rest.slice(0, large), first, ...rest.slice(large)];
}

function free(side: number, large: number): number {
  return Math.max(side * SHARE, side - large);
}

/** The largest cells that fit; null if those are too small. `shape` is a cell's side along by that across. */
function cells(
  all: number,
  shape: number,
  length: number,
  free: number,
  gap: number,
): Cells | null {
  // At most half a line, so that it is plain which one is large.
  for (let fit = 2; ; fit++) {
    const along = (length - gap * (fit - 1)) / fit;
    const across = along / shape;
    if (Math.min(along, across) < LEAST) return null;
    const lines = Math.ceil(all / fit);
    // As even as can be.
    if (lines * (across + gap) <= free)
      return { count: Math.ceil(all / lines), lines, along, across };
  }
}

/** Cells of the least size, as many lines as that takes. */
function least(all: number, shape: number, length: number, gap: number): Cells {
  const wanted = LEAST * Math.max(1, shape);
  const count = Math.max(1, Math.floor((length + gap) / (wanted + gap)));
  const along = Math.max(1, (length - gap * (count - 1)) / count);
  return { count, lines: Math.ceil(all / count), along, across: along / shape };
}
