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

/**
 * One cell after the other, each row from the left; what has no cell in the room is below it. Where
 * no picture needs a cell's whole width or height, the cells are as small, so that pictures meet,
 * and the grid stands in the middle.
 */
export function gridBoxes(aspects: readonly number[], { columns, rows }: Grid, room: Room): Box[] {
  if (columns * rows === 1 && aspects.length === 1) return [uncropped(aspects[0]!, room)];
  const free = {
    width: (room.width - room.gap * (columns - 1)) / columns,
    height: (room.height - room.gap * (rows - 1)) / rows,
  };
  const needed = aspects.map((aspect) => inCell(aspect, { x: 0, y: 0, ...free }));
  const width = Math.min(free.width, Math.max(...needed.map((box) => box.width)));
  const height = Math.min(free.height, Math.max(...needed.map((box) => box.height)));
  const left = ((free.width - width) * columns) / 2;
  const top = ((free.height - height) * rows) / 2;
  return aspects.map((aspect, i) => {
    const x = left + (i % columns) * (width + room.gap);
    const y = top + Math.floor(i / columns) * (height + room.gap);
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
