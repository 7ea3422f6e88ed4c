import assert from "node:assert/strict";
import test from "node:test";
import type { Box } from "../../src/wall/layout/box";
import { layout, type Layout } from "../../src/wall/layout/layout";
import { isPair, type Row } from "../../src/wall/layout/row";
import { bestRows, type Room } from "./best-rows";

/** How many mixes in all; LAYOUT_MIXES makes it longer. */
const MIXES = Number(process.env.LAYOUT_MIXES ?? 2_000);

const BOUNDS = { crop: 0.18, least: 72, most: 4 };
const WIDE = 16 / 9;
const OLD = 4 / 3;
const UPRIGHT = 9 / 16;
const USUAL = [WIDE, WIDE, WIDE, OLD, OLD, 1, UPRIGHT, 3 / 4, 16 / 10, 21 / 9, 3, 9 / 20];

const WINDOWS: [number, number][] = [
  [1280, 746],
  [1920, 1026],
  [390, 790],
  [360, 640],
  [3840, 2160],
  [800, 600],
  [1024, 1300],
];
const wall = room(1280, 746);
const phone = room(390, 790);

function room(width: number, height: number): Room {
  return { width, height, gap: 2 };
}

/** The same numbers at each run, from 0 to 1. */
function random(seed: number): () => number {
  return () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
}

/** Aspects as cameras have them, or any from 9:20 to 3:1. */
function mix(next: () => number, count: number): number[] {
  const usual = next() < 0.6;
  return Array.from({ length: count }, () =>
    usual ? USUAL[Math.floor(next() * USUAL.length)]! : 0.45 * (3 / 0.45) ** next(),
  );
}

/** As an aspect beyond 9:16 and 21:9 is laid out. */
function shape(aspect: number): number {
  return Math.min(21 / 9, Math.max(9 / 16, aspect));
}

function cover({ boxes, tall }: Layout, { width, height }: Room): number {
  // What is scrolled to is not seen.
  const seen = boxes.map(
    (box) => box.width * Math.max(0, Math.min(height, box.y + box.height) - box.y),
  );
  return tall ? 0 : seen.reduce((sum, area) => sum + area, 0) / (width * height);
}

function keepsBounds(
  { boxes }: Layout,
  aspects: readonly number[],
  room: Room,
  told: string,
): void {
  assert.equal(boxes.length, aspects.length, told);
  const areas = boxes.map(({ width, height }) => width * height);
  assert.ok(Math.max(...areas) <= BOUNDS.most * Math.min(...areas), `a giant in ${told}`);
  for (const [i, { x, y, width, height }] of boxes.entries()) {
    assert.ok([x, y, width, height].every(Number.isInteger), told);
    assert.ok(Math.min(width, height) >= BOUNDS.least, `${width} x ${height} in ${told}`);
    assert.ok(x >= 0 && y >= 0 && x + width <= room.width, `outside: ${told}`);
    const kept = width / height / shape(aspects[i]!);
    assert.ok(Math.min(kept, 1 / kept) >= 1 - BOUNDS.crop, `${kept} is left in ${told}`);
  }
}

/** Tiles of which none lies on another, in reading order: rows, cells from the left, lines. */
function isInOrder({ boxes, rows }: Layout, told: string): void {
  assert.deepEqual(rows.flat(3), [...boxes.keys()], told);
  let foot = -2;
  const lies = (
    line: readonly number[],
    from: number,
    top: number,
  ): { right: number; foot: number } => {
    let right = from;
    for (const tile of line) {
      const box: Box = boxes[tile]!;
      assert.ok(box.x >= right + 1, `beside the one before: ${told}`);
      assert.ok(box.y >= top + 1, `below the one before: ${told}`);
      right = box.x + box.width;
    }
    return { right, foot: Math.max(...line.map((tile) => boxes[tile]!.y + boxes[tile]!.height)) };
  };
  for (const row of rows) {
    let right = -2;
    let lowest = foot;
    for (const cell of row) {
      const above = lies(isPair(cell) ? cell[0] : [cell], right, foot);
      const below = isPair(cell) ? lies(cell[1], right, above.foot) : above;
      right = Math.max(above.right, below.right);
      lowest = Math.max(lowest, below.foot);
    }
    foot = lowest;
  }
}

test("no camera, no tile", () => {
  assert.deepEqual(layout([], wall), { boxes: [], rows: [], tall: false });
});

test("any mix keeps the bounds, or scrolls, and covers what the best rows would", (context) => {
  const next = random(1);
  let worst = 1;
  for (let run = 0; run < MIXES; run++) {
    const [width, height] = WINDOWS[run % WINDOWS.length]!;
    const place =
      run % 3 === 0
        ? room(Math.round(360 + 3480 * next() ** 2), Math.round(640 + 1520 * next() ** 2))
        : room(width, height);
    const aspects = mix(next, 2 + Math.floor(next() * 29));
    const told = `${place.width} x ${place.height}: ${aspects}`;
    const result = layout(aspects, place);
    keepsBounds(result, aspects, place, told);
    isInOrder(result, told);
    const foot = Math.max(...result.boxes.map((box) => box.y + box.height));
    assert.equal(result.tall, foot > place.height, told);
    if (aspects.length > 11) continue;
    const best = bestRows(aspects.map(shape), place, BOUNDS);
    const covered = cover(result, place);
    if (best > 0) worst = Math.min(worst, covered / best);
    // Two or three of one shape are shown alike, not one at the cost of the other.
    const shapes = aspects.map(shape);
    const alike = aspects.length <= 3 && Math.max(...shapes) <= 1.05 * Math.min(...shapes);
    const part = alike ? 0.83 : 0.95;
    assert.ok(covered >= best * part, `${covered} of ${best}: ${told}`);
  }
  context.diagnostic(`at worst ${worst.toFixed(3)} of the best rows`);
});

test("6 to 16 mixed cameras cover 95 % of a window in the mean", () => {
  for (const [width, height] of WINDOWS.slice(0, 3)) {
    const next = random(width);
    const place = room(width, height);
    const runs = Math.ceil(MIXES / 20);
    let sum = 0;
    for (let run = 0; run < runs; run++)
      sum += cover(layout(mix(next, 6 + (run % 11)), place), place);
    assert.ok(sum / runs >= 0.95, `${sum / runs} of ${width} x ${height}`);
  }
});

test("16 cameras of which one is upright cover 90 % wherever that one stands", () => {
  for (const [width, height] of WINDOWS.slice(0, 3)) {
    for (let upright = 0; upright < 16; upright++) {
      const aspects = Array.from({ length: 16 }, (_, i) => (i === upright ? UPRIGHT : WIDE));
      const covered = cover(layout(aspects, room(width, height)), room(width, height));
      assert.ok(covered >= 0.9, `${covered} of ${width} x ${height}, upright ${upright}`);
    }
  }
});

test("a single picture is never cropped", () => {
  for (const aspect of [WIDE, OLD, UPRIGHT, 9 / 20, 3]) {
    const [box] = layout([aspect], wall).boxes;
    assert.ok(box && Math.abs(box.width / box.height - aspect) < 0.01);
    assert.ok(box.width === wall.width || box.height === wall.height);
  }
});

test("cameras of one shape are rows of one height", () => {
  const rows = (count: number, place: Room): number[] =>
    layout(Array<number>(count).fill(WIDE), place).rows.map((row) => row.length);
  assert.deepEqual(rows(9, wall), [3, 3, 3]);
  assert.deepEqual(rows(4, wall), [2, 2]);
  assert.deepEqual(rows(16, room(1920, 1026)), [4, 4, 4, 4]);
  const { boxes } = layout([WIDE, WIDE], wall);
  assert.deepEqual([boxes[0]?.width, boxes[0]?.height], [boxes[1]?.width, boxes[1]?.height]);
});

test("nine cameras on a phone are one wide picture and pairs below it", () => {
  const { rows, tall } = layout(Array<number>(9).fill(WIDE), phone);
  assert.deepEqual(rows, [[0], [1, 2], [3, 4], [5, 6], [7, 8]]);
  assert.equal(tall, false);
});

test("where no wall keeps the bounds it scrolls, also with two hundred cameras", () => {
  for (const count of [60, 200]) {
    const aspects = Array.from({ length: count }, (_, i) => [WIDE, OLD, UPRIGHT][i % 3]!);
    const result = layout(aspects, phone);
    assert.equal(result.tall, true);
    keepsBounds(result, aspects, phone, `${count}`);
  }
});

test("a room too narrow for any wall shows one tile below the other", () => {
  const { boxes, rows, tall } = layout([WIDE, UPRIGHT], room(50, 100));
  assert.deepEqual(rows, [[0], [1]]);
  assert.ok(tall && boxes.every(({ x, width }) => x === 0 && width === 50));
});

test("rows that one has stay while they cover 95 % of the best", () => {
  const aspects = Array<number>(9).fill(WIDE);
  const best = layout(aspects, wall);
  assert.deepEqual(layout(aspects, room(1200, 746), best.rows).rows, best.rows);
  const poor: Row[] = [[0], [1], [2], [3, 4, 5, 6, 7, 8]];
  assert.deepEqual(layout(aspects, wall, poor).rows, best.rows);
  // Other rows that are nearly as good.
  const good: Row[] = [
    [0, 1],
    [2, 3, 4],
    [5, 6, 7],
  ];
  const eight = layout(aspects.slice(1), wall);
  const others: Row[] = [
    [0, 1, 2],
    [3, 4],
    [5, 6, 7],
  ];
  assert.deepEqual(eight.rows, good);
  assert.deepEqual(layout(aspects.slice(1), wall, others).rows, others);
});

test("rows are kept or given up in any mix, and within the bounds either way", () => {
  const next = random(5);
  for (let run = 0; run < MIXES / 30; run++) {
    const aspects = mix(next, 4 + Math.floor(next() * 10));
    const before = layout(aspects, room(1000 + 500 * next(), 500 + 500 * next())).rows;
    const kept = layout(aspects, wall, before);
    keepsBounds(kept, aspects, wall, `${aspects}`);
    const best = cover(layout(aspects, wall), wall);
    assert.ok(cover(kept, wall) >= best * 0.949, `${cover(kept, wall)} of ${best}`);
  }
});
