// Finds the rows and their heights: for each size of the smallest tile one pass over all ways to
// break the list and all heights in steps. What counts adds up over rows, so of all beginnings of
// one height only the best can be the beginning of the best wall.

import { CROP, LEAST } from "./bounds";
import type { Room } from "./box";
import { polish } from "./polish";
import { natural, spans, type Row } from "./row";
import { rowScore, type Wall } from "./score";

/** How many steps the room's height is, or more where a step would be too many pixels. */
const STEPS = 60;
const STEP = 24;

/** How many sizes of the smallest tile are tried, and the smallest by an equal share of the room. */
const SIZES = 12;
const SMALLEST = 0.1;

/** How many times finer it looks where nothing counts but how much is covered. */
const FINER = 3;

/** How many of the best are made exact. */
const POLISHED = 3;

/** Of ways that are as good, the one with the longest last row is taken: the largest come first. */
const EQUAL = 1e-6;

/** The rows that start with a tile: with the number of the tile after them. */
export type Starts = readonly (readonly { row: Row; to: number }[])[];

/** All rows that there can be. */
export function allRows(aspects: readonly number[], { width }: Room): Starts {
  const longest = Math.max(1, Math.floor(width / LEAST));
  return aspects.map((_, from) => {
    const starts: { row: Row; to: number }[] = [];
    const row: number[] = [];
    for (let to = from + 1; to <= aspects.length; to++) {
      row.push(to - 1);
      if (row.length <= longest) starts.push({ row: [...row], to });
      for (const spanned of spans(aspects, from, to)) starts.push({ row: spanned, to });
      if (row.length >= 2 * longest) break;
    }
    return starts;
  });
}

/** These rows and no others, in their order. */
export function onlyRows(rows: readonly Row[], length: number): Starts {
  const starts: { row: Row; to: number }[][] = Array.from({ length }, () => []);
  let from = 0;
  for (const row of rows) {
    const to = from + row.flat(2).length;
    starts[from]?.push({ row, to });
    from = to;
  }
  return starts;
}

/** The best wall of these rows, as `calm` as `rowScore` takes it; null where none keeps the bounds. */
export function search(
  aspects: readonly number[],
  starts: Starts,
  room: Room,
  calm = 1,
): Wall | null {
  const share = (room.width * room.height) / aspects.length;
  const walls: Wall[] = [];
  const sizes = calm > 0 ? SIZES : SIZES * FINER;
  for (let i = 0; i < sizes; i++) {
    const area = share * SMALLEST ** (i / (sizes - 1));
    const wall = pass(aspects, starts, room, area, calm);
    if (wall) walls.push(wall);
  }
  const byScore = (a: Wall, b: Wall): number => b.score - a.score;
  const best = walls.sort(byScore).slice(0, POLISHED);
  return best.map((wall) => polish(wall, aspects, room, calm)).sort(byScore)[0] ?? null;
}

function pass(
  aspects: readonly number[],
  starts: Starts,
  room: Room,
  area: number,
  calm: number,
): Wall | null {
  const n = aspects.length;
  const tall = room.height + room.gap;
  const fine = calm > 0 ? 1 : FINER;
  const steps = fine * Math.max(STEPS, Math.ceil(tall / STEP));
  const step = tall / steps;
  const stride = steps + 1;
  const scores = new Float64Array((n + 1) * stride).fill(-Infinity);
  const last = new Int32Array((n + 1) * stride);
  const rows: { row: Row; from: number; steps: number }[] = [];
  scores[0] = 0;
  for (let from = 0; from < n; from++) {
    for (const { row, to } of starts[from]!) {
      // The heights that a row may have are next to each other.
      const lowest = Math.max(LEAST, ((to - from) * area) / room.width);
      for (let k = Math.ceil((lowest + room.gap) / step), found = false; k <= steps; k++) {
        const score = rowScore(row, aspects, k * step - room.gap, area, room, calm);
        if (score === -Infinity) {
          if (found || isTooTall(row, aspects, k * step, room.width)) break;
          continue;
        }
        found = true;
        let index = -1;
        for (let before = 0; before + k <= steps; before++) {
          const sum = scores[from * stride + before]! + score;
          const place = to * stride + before + k;
          if (sum > scores[place]! + EQUAL) {
            if (index < 0) index = rows.push({ row, from, steps: k }) - 1;
            scores[place] = sum;
            last[place] = index;
          }
        }
      }
    }
  }
  let top = 0;
  for (let k = 1; k <= steps; k++) {
    if (scores[n * stride + k]! > scores[n * stride + top]!) top = k;
  }
  const score = scores[n * stride + top]!;
  if (score === -Infinity) return null;
  const wall: Wall = { rows: [], heights: [], area, score };
  for (let to = n, k = top; to > 0;) {
    const { row, from, steps } = rows[last[to * stride + k]!]!;
    wall.rows.unshift(row);
    wall.heights.unshift(steps * step - room.gap);
    to = from;
    k -= steps;
  }
  return wall;
}

/** Whether a row is too wide at this height, however much its pictures give. */
function isTooTall(row: Row, aspects: readonly number[], height: number, width: number): boolean {
  let wide = 0;
  for (const cell of row) wide += natural(cell, aspects, height);
  return wide * (1 - CROP) > width;
}
