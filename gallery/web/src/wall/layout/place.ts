// Places tiles on a wall whose rows and heights are known.

import { widths, type Range } from "./bounds";
import { whole, type Box, type Room } from "./box";
import { isPair, natural, range, split, type Line } from "./row";
import type { Wall } from "./score";

/** One box for each tile, on whole pixels. What is not as wide or tall as the room is in its middle. */
export function place(aspects: readonly number[], wall: Wall, room: Room): Box[] {
  const { gap } = room;
  const boxes: Box[] = [];
  const lay = (line: Line, x: number, y: number, wide: readonly number[], height: number): void => {
    for (const [i, tile] of line.entries()) {
      boxes[tile] = whole({ x, y, width: wide[i]!, height });
      x += wide[i]! + gap;
    }
  };
  const all = wall.heights.reduce((sum, height) => sum + height, 0);
  let y = Math.max(0, (room.height - all - gap * (wall.rows.length - 1)) / 2);
  for (const [i, row] of wall.rows.entries()) {
    const height = wall.heights[i]!;
    const ranges = row.map((cell) => range(cell, aspects, height, gap, wall.area));
    const naturals = row.map((cell) => natural(cell, aspects, height));
    const free = room.width - gap * (row.length - 1);
    const wide = fill(free, naturals, ranges);
    let x = Math.max(0, (free - wide.reduce((sum, width) => sum + width, 0)) / 2);
    for (const [j, cell] of row.entries()) {
      if (!isPair(cell)) lay([cell], x, y, [wide[j]!], height);
      else {
        const high = split(cell, aspects, height, gap);
        let top = y;
        for (const [k, line] of cell.entries()) {
          const may = line.map((tile) => widths(aspects[tile]!, high[k]!, wall.area));
          const own = line.map((tile) => aspects[tile]! * high[k]!);
          lay(line, x, top, fill(wide[j]! - gap * (line.length - 1), own, may), high[k]!);
          top += high[k]! + gap;
        }
      }
      x += wide[j]! + gap;
    }
    y += height + gap;
  }
  return boxes;
}

/** Widths that fill what is free: all stretched alike, but for those that may not. */
function fill(free: number, naturals: readonly number[], ranges: readonly Range[]): number[] {
  const at = (stretch: number): number[] =>
    naturals.map((width, i) =>
      Math.min(ranges[i]!.high, Math.max(ranges[i]!.low, width * stretch)),
    );
  let [low, high] = [0.25, 4];
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    if (at(middle).reduce((sum, width) => sum + width, 0) > free) high = middle;
    else low = middle;
  }
  return at(low);
}
