// A wall of equal cells, as an address asks for it: `?layout=2x2`.

import { CROP, layable } from "./bounds";
import { whole, type Box, type Room } from "./box";

export interface Grid {
  columns: number;
  rows: number;
}

/** More lines of cells than these are not meant. */
const MOST = 20;

/** The grid that the search part of an address asks for: columns, then rows. */
export function askedGrid(search: string): Grid | null {
  const [, columns = 0, rows = 0] =
    /^(\d{1,2})x(\d{1,2})$/.exec(new URLSearchParams(search).get("layout") ?? "")?.map(Number) ??
    [];
  const fits = [columns, rows].every((n) => n >= 1 && n <= MOST);
  return fits ? { columns, rows } : null;
}

/** One cell after the other, each row from the left; what has no cell in the room is below it. */
export function gridBoxes(aspects: readonly number[], { columns, rows }: Grid, room: Room): Box[] {
  const width = (room.width - room.gap * (columns - 1)) / columns;
  const height = (room.height - room.gap * (rows - 1)) / rows;
  return aspects.map((aspect, i) => {
    const x = (i % columns) * (width + room.gap);
    const y = Math.floor(i / columns) * (height + room.gap);
    // As large as the cell, but for what a picture may not give.
    const shape = layable(aspect);
    const wide = Math.min(width, (height * shape) / (1 - CROP));
    const high = Math.min(height, width / shape / (1 - CROP));
    const left = x + (width - wide) / 2;
    return whole({ x: left, y: y + (height - high) / 2, width: wide, height: high });
  });
}
