// Where a lifted tile comes to stand.

import type { Box } from "../layout/box";

/** Beside which tile it is put, and where the mark for that is. */
export interface Drop {
  camera: string;
  after: boolean;
  mark: Box;
}

/** The mark is so thick, in CSS pixels. */
const MARK = 6;

/** A tile of this part of the wall's width has no neighbour beside it. */
const ALONE = 0.8;

/** The place for what is held at a point; null where it came from, so that nothing changes. */
export function dropAt(
  boxes: ReadonlyMap<string, Box>,
  lifted: string,
  point: { x: number; y: number },
  width: number,
): Drop | null {
  let best: { camera: string; box: Box; away: number } | null = null;
  for (const [camera, box] of boxes) {
    const dx = Math.max(box.x - point.x, 0, point.x - box.x - box.width);
    const dy = Math.max(box.y - point.y, 0, point.y - box.y - box.height);
    const away = Math.hypot(dx, dy);
    if (!best || away < best.away) best = { camera, box, away };
  }
  if (!best || best.camera === lifted) return null;
  const { camera, box } = best;
  const stacked = box.width > width * ALONE;
  const after = stacked ? point.y > box.y + box.height / 2 : point.x > box.x + box.width / 2;
  const { x, y } = box;
  const mark = stacked
    ? { x, y: y + (after ? box.height : 0) - MARK / 2, width: box.width, height: MARK }
    : { x: x + (after ? box.width : 0) - MARK / 2, y, width: MARK, height: box.height };
  return { camera, after, mark };
}
