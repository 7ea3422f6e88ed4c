import assert from "node:assert/strict";
import test from "node:test";
import { boxesOf, guess, justify, shape, tall, type Measure } from "../../src/photos/grid/rows";

const wide: Measure = { width: 1156, target: 184, gap: 4 };
const phone: Measure = { width: 390, target: 112, gap: 2 };
const SHAPES = [16 / 9, 4 / 3, 3 / 4, 1, 9 / 16, 3 / 2, 4, 1 / 3];

/** The same numbers at each run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
}

function some(count: number, seed: number): number[] {
  const next = random(seed);
  return Array.from({ length: count }, () => SHAPES[Math.floor(next() * SHAPES.length)]!);
}

test("no photo, no row", () => {
  assert.deepEqual(justify([], wide), []);
  assert.equal(tall([]), 0);
});

test("rows hold every photo once, in order, and do not overlap", () => {
  for (const measure of [wide, phone]) {
    for (let seed = 0; seed < 200; seed++) {
      const aspects = some(1 + seed, seed);
      const rows = justify(aspects, measure);
      let from = 0;
      let y = 0;
      for (const row of rows) {
        assert.equal(row.from, from);
        assert.ok(row.to > row.from);
        assert.equal(row.y, y);
        from = row.to;
        y = row.y + row.height + measure.gap;
      }
      assert.equal(from, aspects.length);
    }
  }
});

test("all rows but the last fill the width to the pixel, and the gaps stay as they are", () => {
  for (const measure of [wide, phone]) {
    for (let seed = 0; seed < 100; seed++) {
      const aspects = some(60, seed);
      const rows = justify(aspects, measure);
      for (const row of rows.slice(0, -1)) {
        const boxes = boxesOf(row, aspects, measure);
        const last = boxes.at(-1)!;
        assert.equal(boxes[0]!.x, 0);
        assert.equal(last.x + last.width, measure.width);
        for (const [i, box] of boxes.slice(1).entries()) {
          const before = boxes[i]!;
          const gap = box.x - before.x - before.width;
          assert.ok(Math.abs(gap - measure.gap) <= 1, `${gap}`);
        }
      }
    }
  }
});

test("rows are about as tall as they should be", () => {
  const rows = justify(some(400, 3), wide).slice(0, -1);
  const mean = rows.reduce((sum, { height }) => sum + height, 0) / rows.length;
  assert.ok(Math.abs(mean - wide.target) < 0.15 * wide.target, `${mean}`);
  for (const { height } of rows) assert.ok(height > 60 && height < 2 * wide.target, `${height}`);
});

test("the last row keeps the natural width of its photos", () => {
  const [row] = justify([16 / 9, 3 / 4], wide);
  assert.equal(row!.height, wide.target);
  const boxes = boxesOf(row!, [16 / 9, 3 / 4], wide);
  assert.equal(boxes[0]!.width, Math.round((16 / 9) * wide.target));
  assert.ok(boxes[1]!.x + boxes[1]!.width < wide.width);
});

test("photos at the end move none but the last row", () => {
  const aspects = some(300, 5);
  for (let count = 1; count < 300; count += 7) {
    const rows = justify(aspects.slice(0, count), wide);
    const more = justify(aspects, wide);
    assert.deepEqual(more.slice(0, rows.length - 1), rows.slice(0, -1));
  }
});

test("a panorama and a thread are cropped to what can be seen", () => {
  assert.equal(shape(20_000, 100), 4);
  assert.equal(shape(100, 20_000), 1 / 3);
  assert.equal(shape(1280, 720), 16 / 9);
});

test("a room without width is no error", () => {
  const rows = justify(some(20, 1), { width: 0, target: 184, gap: 4 });
  assert.equal(rows.at(-1)!.to, 20);
});

test("a height is guessed to a fifth before the photos are known", () => {
  for (const measure of [wide, phone]) {
    for (let seed = 1; seed < 30; seed++) {
      const aspects = some(300, seed).map((aspect) => Math.min(16 / 9, Math.max(3 / 4, aspect)));
      const sum = aspects.reduce((total, aspect) => total + aspect, 0);
      const real = tall(justify(aspects, measure));
      const guessed = guess(aspects.length, sum, measure);
      assert.ok(Math.abs(guessed - real) < 0.2 * real, `${guessed} for ${real}`);
    }
  }
  assert.equal(guess(0, 0, wide), 0);
  assert.equal(guess(1, 16 / 9, wide), 184);
});
