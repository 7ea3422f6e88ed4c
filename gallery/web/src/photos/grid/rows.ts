// Photos in justified rows: each row fills the width at about the target height, the last one is
// left at its natural width.

import type { Box } from "../../wall/layout/box";

export interface Measure {
  /** The room between the edges, in pixels. */
  width: number;
  /** How tall a row should be. */
  target: number;
  /** Between pictures, in pixels. */
  gap: number;
}

export interface Row {
  /** Its photos: from this one until before that one. */
  from: number;
  to: number;
  /** Below the top of the first row. */
  y: number;
  height: number;
}

/** Photos of other shapes are cropped to these, so that none becomes a thread. */
const NARROWEST = 1 / 3;
const WIDEST = 4;

export function shape(width: number, height: number): number {
  return Math.min(WIDEST, Math.max(NARROWEST, width / height));
}

/**
 * Breaks photos of these aspects (width / height) into rows. Rows depend only on what comes before
 * and in them, so more photos at the end move none but the last row.
 */
export function justify(aspects: number[], { width, target, gap }: Measure): Row[] {
  const rows: Row[] = [];
  let from = 0;
  let sum = 0;
  let y = 0;
  const close = (to: number, height: number): void => {
    const whole = Math.max(1, Math.round(height));
    rows.push({ from, to, y, height: whole });
    y += whole + gap;
    from = to;
  };
  for (const [i, aspect] of aspects.entries()) {
    const before = heightOf(sum, i - from, width, gap);
    sum += aspect;
    const height = heightOf(sum, i + 1 - from, width, gap);
    if (height > target) continue;
    // The row is full; without its last photo it may come nearer to the target.
    if (i > from && before - target < target - height) {
      close(i, before);
      sum = aspect;
      const alone = heightOf(aspect, 1, width, gap);
      if (alone > target) continue;
      close(i + 1, alone);
    } else {
      close(i + 1, height);
    }
    sum = 0;
  }
  if (from < aspects.length) close(aspects.length, target);
  return rows;
}

/** The height of a row that fills the width. */
function heightOf(sum: number, count: number, width: number, gap: number): number {
  return count === 0 ? Infinity : Math.max(1, width - gap * (count - 1)) / sum;
}

/** The height of all rows together. */
export function tall(rows: Row[]): number {
  const last = rows.at(-1);
  return last ? last.y + last.height : 0;
}

/** Where the photos of a row lie, in whole pixels. */
export function boxesOf(row: Row, aspects: number[], { width, gap }: Measure): Box[] {
  const list = aspects.slice(row.from, row.to);
  const sum = list.reduce((total, aspect) => total + aspect, 0);
  const free = Math.max(1, width - gap * (list.length - 1));
  // A full row reaches the edge exactly, although its height was rounded.
  const full = sum * (row.height + 1) >= free;
  let x = 0;
  return list.map((aspect) => {
    const left = Math.round(x);
    const wide = full ? (aspect / sum) * free : aspect * row.height;
    x += wide + gap;
    return { x: left, y: row.y, width: Math.round(x - gap) - left, height: row.height };
  });
}

/** About how tall rows will be of which only the count and the sum of aspects are known. */
export function guess(count: number, aspect: number, { width, target, gap }: Measure): number {
  if (count <= 0) return 0;
  const gaps = (gap * count) / Math.max(1, target);
  const rows = Math.max(1, Math.round(((aspect + gaps) * target) / Math.max(1, width)));
  return rows * (target + gap) - gap;
}
