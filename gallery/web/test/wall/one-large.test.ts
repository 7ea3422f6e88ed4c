// One large picture among others, and a tile that is put elsewhere.

import assert from "node:assert/strict";
import test from "node:test";
import { dropAt } from "../../src/wall/arrange/drop";
import type { Box } from "../../src/wall/layout/box";
import { gridBoxes } from "../../src/wall/layout/grid";
import { oneLarge } from "../../src/wall/layout/one-large";

const area = ({ width, height }: Box): number => width * height;
const GAP = 2;
const SHAPES = [16 / 9, 4 / 3, 9 / 16, 1, 21 / 9];

test("the large one is whole and the largest, and no two overlap", () => {
  for (const [width, height] of [
    [1280, 656],
    [390, 728],
    [800, 1000],
    [1920, 940],
    [700, 320],
  ]) {
    const room = { width: width!, height: height!, gap: GAP };
    for (let count = 1; count <= 40; count++) {
      const aspects = Array.from({ length: count }, (_, i) => SHAPES[(i * 7) % SHAPES.length]!);
      const large = count >> 1;
      const boxes = oneLarge(aspects, large, room);
      const what = `${count} in ${width}x${height}: ${JSON.stringify(boxes)}`;
      assert.equal(boxes.length, count);
      const { width: wide, height: high } = boxes[large]!;
      assert.ok(Math.abs(wide - high * aspects[large]!) < 2 + aspects[large]!, what);
      for (const [i, box] of boxes.entries()) {
        assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= room.width, what);
        if (i === large) continue;
        for (const other of boxes.slice(i + 1)) {
          const apart =
            box.x + box.width <= other.x ||
            other.x + other.width <= box.x ||
            box.y + box.height <= other.y ||
            other.y + other.height <= box.y;
          assert.ok(apart, what);
        }
      }
    }
  }
});

test("few others fit without scrolling, and the large one is worth its name", () => {
  for (const [width, height] of [
    [1280, 656],
    [390, 728],
    [1920, 940],
  ]) {
    for (let count = 2; count <= 12; count++) {
      const aspects = Array.from({ length: count }, () => 16 / 9);
      const [first, ...others] = oneLarge(aspects, 0, { width: width!, height: height!, gap: GAP });
      const what = `${count} in ${width}x${height}`;
      for (const box of others) {
        assert.ok(box.y + box.height <= height!, what);
        assert.ok(Math.min(box.width, box.height) >= 59, `${what}: ${JSON.stringify(box)}`);
        assert.ok(area(first!) > 1.2 * area(box), `${what}: ${JSON.stringify([first, box])}`);
      }
    }
  }
});

test("too many others are below, where the wall scrolls", () => {
  const boxes = oneLarge(
    Array.from({ length: 200 }, () => 16 / 9),
    0,
    { width: 390, height: 728, gap: GAP },
  );
  assert.ok(Math.max(...boxes.map(({ y, height }) => y + height)) > 728);
  assert.ok(Math.min(...boxes.map(({ height }) => height)) >= 72);
});

test("the pictures of a grid meet, also where the room has another shape", () => {
  for (const [width, height] of [
    [390, 728],
    [844, 282],
  ]) {
    const room = { width: width!, height: height!, gap: GAP };
    const [a, b, c] = gridBoxes([16 / 9, 16 / 9, 16 / 9, 16 / 9], { columns: 2, rows: 2 }, room);
    assert.equal(b!.x - a!.x - a!.width, GAP);
    assert.equal(c!.y - a!.y - a!.height, GAP);
    const foot = c!.y + c!.height;
    assert.ok(Math.abs(a!.y - (height! - foot)) <= 1, "in the middle");
    assert.ok(Math.abs(a!.x - (width! - b!.x - b!.width)) <= 1, "in the middle");
  }
});

const room = { width: 600, height: 400, gap: 0 };
const boxes = new Map(
  gridBoxes([1.5, 1.5, 1.5, 1.5], { columns: 2, rows: 2 }, room).map((box, i) => [`${i}`, box]),
);

test("what is held stands before or after the nearest", () => {
  const at = (x: number, y: number) => dropAt(boxes, "3", { x, y }, 600);
  assert.deepEqual([at(10, 100)?.camera, at(10, 100)?.after], ["0", false]);
  assert.deepEqual([at(290, 100)?.camera, at(290, 100)?.after], ["0", true]);
  assert.deepEqual([at(310, 100)?.camera, at(310, 100)?.after], ["1", false]);
  assert.deepEqual([at(-50, 390)?.camera, at(-50, 390)?.after], ["2", false], "outside");
  assert.equal(at(500, 300), null, "where it came from");
  assert.deepEqual(at(310, 100)?.mark, { x: 297, y: 0, width: 6, height: 200 });
});

test("in a column it stands above or below", () => {
  const column = new Map([
    ["a", { x: 0, y: 0, width: 300, height: 100 }],
    ["b", { x: 0, y: 102, width: 300, height: 100 }],
  ]);
  const at = (y: number) => dropAt(column, "b", { x: 290, y }, 300);
  assert.equal(at(20)?.after, false);
  assert.equal(at(80)?.after, true);
  assert.deepEqual(at(80)?.mark, { x: 0, y: 97, width: 300, height: 6 });
  assert.equal(dropAt(new Map(), "b", { x: 0, y: 0 }, 300), null);
});
