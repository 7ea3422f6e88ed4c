// Where an arrow key leads on the wall.

import type { Box } from "./layout";

export type Direction = "left" | "right" | "up" | "down";

/** The tile beside, above or below the one at `from`; null at an edge. Tiles are in rows. */
export function neighbour(boxes: Box[], from: number, direction: Direction): number | null {
  const here = boxes[from];
  if (!here) return boxes.length > 0 ? 0 : null;
  if (direction === "left") return from > 0 ? from - 1 : null;
  if (direction === "right") return from + 1 < boxes.length ? from + 1 : null;

  const ahead = boxes.filter((box) => (direction === "up" ? box.y < here.y : box.y > here.y));
  const row = (direction === "up" ? Math.max : Math.min)(...ahead.map((box) => box.y));
  const middle = here.x + here.width / 2;
  const off = (box: Box): number => Math.abs(box.x + box.width / 2 - middle);
  const [best] = ahead.filter((box) => box.y === row).sort((a, b) => off(a) - off(b));
  return best ? boxes.indexOf(best) : null;
}
