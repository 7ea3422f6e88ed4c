// The wall: each tile has the shape of its picture, the order is fixed, and the list is broken into
// the rows that show most picture within the bounds.

import { layable, LEAST } from "./bounds";
import { uncropped, type Box, type Room } from "./box";
import { place } from "./place";
import type { Row } from "./row";
import { allRows, onlyRows, search, type Starts } from "./search";

export interface Layout {
  /** One for each tile, in whole pixels. */
  boxes: Box[];
  rows: Row[];
  /** The rows are taller than the room: it scrolls. */
  tall: boolean;
}

/** The current rows stay, and calm ones win, while they cover this part of what the best would. */
const ENOUGH = 0.95;

/** With so few tiles a calm wall may cover much less than another. */
const FEW = 3;
/** Shapes are alike if their aspects differ by this part at most. */
const ALIKE = 0.05;

/** If the bounds cannot hold, the room grows by this factor, at most this often. */
const GROWS = 1.1;
const TIMES = 60;

/**
 * Places pictures of these aspects (width / height). `before` are the rows to keep while they are
 * good enough, so that the wall does not flicker when a camera comes or goes.
 */
export function layout(aspects: readonly number[], room: Room, before?: Row[] | null): Layout {
  if (aspects.length === 0 || room.width < 1 || room.height < 1) return NOTHING;
  if (aspects.length === 1) {
    return { boxes: [uncropped(aspects[0]!, room)], rows: [[0]], tall: false };
  }
  const shapes = aspects.map(layable);
  const all = allRows(shapes, room);
  // What the smallest tiles allowed would fill.
  const least = shapes.reduce((area, shape) => area + LEAST ** 2 * Math.max(shape, 1 / shape), 0);
  let height = Math.max(room.height, least / room.width);
  for (let i = 0; i < TIMES; i++, height *= GROWS) {
    const grown = { ...room, height };
    const calm = lay(shapes, all, grown);
    if (!calm) continue;
    // Unlike ones do not look alike anyway; alike ones do, whatever else would cover more.
    const full = isFewUnlike(shapes) ? lay(shapes, all, grown, 0) : null;
    const best = full && calm.cover < full.cover * ENOUGH ? full : calm;
    const old = before && lay(shapes, onlyRows(before, shapes.length), grown);
    const { boxes, rows } = old && old.cover >= best.cover * ENOUGH ? old : best;
    const foot = Math.max(...boxes.map((box) => box.y + box.height));
    return { boxes, rows, tall: foot > room.height };
  }
  return column(shapes, room);
}

const NOTHING: Layout = { boxes: [], rows: [], tall: false };

function isFewUnlike(shapes: readonly number[]): boolean {
  return shapes.length <= FEW && Math.max(...shapes) > Math.min(...shapes) * (1 + ALIKE);
}

function lay(shapes: readonly number[], starts: Starts, room: Room, calm = 1) {
  const wall = search(shapes, starts, room, calm);
  if (!wall) return null;
  const boxes = place(shapes, wall, room);
  const area = boxes.reduce((sum, { width, height }) => sum + width * height, 0);
  return { boxes, rows: wall.rows, cover: area / (room.width * room.height) };
}

/** In a room too narrow for any wall: one tile below the other. */
function column(shapes: readonly number[], room: Room): Layout {
  const boxes: Box[] = [];
  let y = 0;
  for (const shape of shapes) {
    const box = { x: 0, y, width: Math.round(room.width), height: Math.round(room.width / shape) };
    boxes.push(box);
    y += box.height + room.gap;
  }
  return { boxes, rows: shapes.map((_, i) => [i]), tall: y - room.gap > room.height };
}
