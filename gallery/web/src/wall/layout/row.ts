// A row of the wall: tiles side by side, or, beside one that is upright, two lines of tiles that
// are together as tall as it.

import { widths, type Range } from "./bounds";

/** Tiles side by side, as their numbers in the list. */
export type Line = readonly number[];
export type Pair = readonly [above: Line, below: Line];
export type Cell = number | Pair;
export type Row = readonly Cell[];

export function isPair(cell: Cell): cell is Pair {
  return typeof cell !== "number";
}

/** The sum of a line's aspects. */
export function total(line: Line, aspects: readonly number[]): number {
  let sum = 0;
  for (const tile of line) sum += aspects[tile]!;
  return sum;
}

/**
 * The heights of the lines of a pair: so that both are equally wide, where all their pictures are
 * stretched alike.
 */
export function split(
  [above, below]: Pair,
  aspects: readonly number[],
  height: number,
  gap: number,
): [number, number] {
  const upper = total(above, aspects);
  const lower = total(below, aspects);
  const first = ((height - gap) * lower) / (upper + lower);
  return [first, height - gap - first];
}

/** How wide a cell is when nothing is cropped, but for gaps. */
export function natural(cell: Cell, aspects: readonly number[], height: number): number {
  if (!isPair(cell)) return aspects[cell]! * height;
  const [above, below] = cell;
  return height / (1 / total(above, aspects) + 1 / total(below, aspects));
}

/** How wide a cell may be, where the smallest tile of the wall has this area. */
export function range(
  cell: Cell,
  aspects: readonly number[],
  height: number,
  gap: number,
  area: number,
): Range {
  if (!isPair(cell)) return widths(aspects[cell]!, height, area);
  const high = split(cell, aspects, height, gap);
  const above = lineRange(cell[0], aspects, high[0], gap, area);
  const below = lineRange(cell[1], aspects, high[1], gap, area);
  return { low: Math.max(above.low, below.low), high: Math.min(above.high, below.high) };
}

function lineRange(
  line: Line,
  aspects: readonly number[],
  height: number,
  gap: number,
  area: number,
): Range {
  const sum = { low: gap * (line.length - 1), high: gap * (line.length - 1) };
  for (const tile of line) {
    const { low, high } = widths(aspects[tile]!, height, area);
    if (low > high) return { low: 1, high: 0 };
    sum.low += low;
    sum.high += high;
  }
  return sum;
}

/** A tile of a smaller aspect may stand beside two lines, in rows of at most this many tiles. */
const UPRIGHT = 1.05;
const SPANNED = 9;

/**
 * The ways to set the tiles from `from` up to `to` side by side with two lines in the row: beside
 * all upright and square ones, or the first or the last alone.
 */
export function spans(aspects: readonly number[], from: number, to: number): Row[] {
  if (to - from < 3 || to - from > SPANNED) return [];
  const tiles = Array.from({ length: to - from }, (_, i) => from + i);
  const upright = tiles.filter((tile) => aspects[tile]! < UPRIGHT);
  const choices =
    upright.length > 1 ? [upright, upright.slice(0, 1), upright.slice(-1)] : [upright];
  return choices
    .map((standing) => span(aspects, tiles, new Set(standing)))
    .filter((row) => row.length > 1 && row.length < tiles.length);
}

/** A row in which these stand, and what is between them lies in two lines. */
function span(aspects: readonly number[], tiles: Line, standing: ReadonlySet<number>): Row {
  const row: Cell[] = [];
  let run: number[] = [];
  const close = (): void => {
    if (run.length > 1) row.push(halves(aspects, run));
    else row.push(...run);
    run = [];
  };
  for (const tile of tiles) {
    if (!standing.has(tile)) run.push(tile);
    else {
      close();
      row.push(tile);
    }
  }
  close();
  return row;
}

/** Two lines, as equal in width as the order allows. */
function halves(aspects: readonly number[], run: Line): Pair {
  const whole = total(run, aspects);
  let passed = 0;
  let best = 1;
  let least = Infinity;
  for (let cut = 1; cut < run.length; cut++) {
    passed += aspects[run[cut - 1]!]!;
    const off = Math.abs(whole - 2 * passed);
    if (off < least) [least, best] = [off, cut];
  }
  return [run.slice(0, best), run.slice(best)];
}
