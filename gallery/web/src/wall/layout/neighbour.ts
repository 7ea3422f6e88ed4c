// Where an arrow key leads on the wall.

import type { Box } from "./box";

export type Direction = "left" | "right" | "up" | "down";

/**
 * The tile before or after the one at `from`, or the nearest wholly above or below it; null at an
 * edge. An upright tile may stand beside two lines of others.
 */
export function neighbour(boxes: Box[], from: number, direction: Direction): number | null {
  const here = boxes[from];
  if (!here) return boxes.length > 0 ? 0 : null;
  if (direction === "left") return from > 0 ? from - 1 : null;
  if (direction === "right") return from + 1 < boxes.length ? from + 1 : null;

  // By how much a tile is beyond this one's edge; pixels of a scaled page are not whole.
  const beyond = (box: Box): number =>
    direction === "up" ? here.y - box.y - box.height : box.y - here.y - here.height;
  const ahead = boxes.filter((box) => box !== here && beyond(box) > -1);
  const nearest = Math.min(...ahead.map(beyond));
  const middle = here.x + here.width / 2;
  const off = (box: Box): number => Math.abs(box.x + box.width / 2 - middle);
  const row = ahead.filter((box) => beyond(box) < nearest + 1);
  const [best] = row.sort((a, b) => off(a) - off(b));
  return best ? boxes.indexOf(best) : null;
}
