// A wall of equal cells: `2x2`.

import { CROP, layable } from "./bounds";
import { uncropped, whole, type Box, type Room } from "./box";

export interface Grid {
  columns: number;
  rows: number;
}

/** More lines of cells than these are not meant. */
const MOST = 20;

/** The grid of this name: columns, then rows. */
export function gridOf(name: string): Grid | null {
  const [, columns = 0, rows = 0] = /^(\d{1,2})x(\d{1,2})$/.exec(name)?.map(Number) ?? [];
  const fits = [columns, rows].every((n) => n >= 1 && n <= MOST);
  return fits ? { columns, rows } : null;
}

/** One cell after the other, each row from the left; what has no cell in the room is below it. */
export function gridBoxes(aspects: readonly number[], { columns, rows }: Grid, room: Room): Box[] {
  if (columns * rows === 1 && aspects.length === 1) return [uncropped(aspects[0]!, room)];
  const width = (room.width - room.gap * (columns - 1)) / columns;
  const height = (room.height - room.gap * (rows - 1)) / rows;
  return aspects.map((aspect, i) => {
    const x = (i % columns) * (width + room.gap);
    const y = Math.floor(i / columns) * (height + room.gap);
    return inCell(aspect, { x, y, width, height });
  });
}

/** In the middle of a cell, as large as it but for what a picture may not give. */
export function inCell(aspect: number, cell: Box): Box {
  const shape = layable(aspect);
  const width = Math.min(cell.width, (cell.height * shape) / (1 - CROP));
  const height = Math.min(cell.height, cell.width / shape / (1 - CROP));
  const x = cell.x + (cell.width - width) / 2;
  return whole({ x, y: cell.y + (cell.height - height) / 2, width, height });
}
