import assert from "node:assert/strict";
import test from "node:test";
import { carry, cut, layout, type Layout, type Room } from "../src/wall/layout";

const WIDE = 16 / 9;
const OLD = 4 / 3;
const wall: Room = { width: 1280, height: 744, gap: 2, crop: 0.18, least: 128 };
const phone: Room = { width: 390, height: 792, gap: 2, crop: 0.18, least: 128 };

/** The same numbers at each run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed / 0x7fffffff;
  };
}

function rowsOf({ boxes, breaks }: Layout) {
  return cut(boxes, breaks);
}

test("no camera, no tile", () => {
  assert.deepEqual(layout([], wall), { boxes: [], breaks: [], tall: false });
});

test("tiles lie inside the room, in order, apart, and are cropped by 18 % at most", () => {
  const next = random(1);
  for (let run = 0; run < 400; run++) {
    const count = 1 + Math.floor(next() * 24);
    const aspects = Array.from(
      { length: count },
      () => [WIDE, OLD, 9 / 16, 1][run % 5] ?? 0.5 + 2 * next(),
    );
    const room = { ...wall, width: 320 + 2000 * next(), height: 240 + 1200 * next() };
    const result = layout(aspects, room);
    assert.equal(result.boxes.length, count);
    let foot = 0;
    for (const row of rowsOf(result)) {
      let right = 0;
      for (const [i, box] of row.entries()) {
        assert.ok(box.width > 0 && box.height > 0);
        assert.ok(box.x >= right + (i > 0 ? room.gap - 1 : 0), "apart, from left to right");
        assert.ok(box.y >= foot - 1, "below the row before");
        assert.equal(box.y, row[0]?.y);
        right = box.x + box.width;
      }
      assert.ok(right <= room.width + 1);
      foot = (row[0]?.y ?? 0) + (row[0]?.height ?? 0);
    }
    if (!result.tall) assert.ok(foot <= room.height + 1);
    for (const [i, { width, height }] of result.boxes.entries()) {
      const kept = width / height / (aspects[i] ?? 1);
      // Whole pixels take their part in small tiles.
      const slack = 2 / Math.min(width, height);
      assert.ok(Math.min(kept, 1 / kept) >= 0.82 - slack, `${kept} of the picture is left`);
    }
  }
});

test("a single picture is never cropped", () => {
  for (const aspect of [WIDE, OLD, 9 / 16]) {
    const [box] = layout([aspect], { ...wall, crop: 0, least: 0 }).boxes;
    assert.ok(box);
    assert.ok(Math.abs(box.width / box.height - aspect) < 0.01);
    assert.ok(box.width === wall.width || box.height === wall.height);
  }
});

test("nine cameras on a wide screen are three rows of three", () => {
  assert.deepEqual(layout(Array<number>(9).fill(WIDE), wall).breaks, [3, 6]);
});

test("nine cameras on a phone are one wide picture and pairs below it", () => {
  const { breaks, tall } = layout(Array<number>(9).fill(WIDE), phone);
  assert.deepEqual(breaks, [1, 3, 5, 7]);
  assert.equal(tall, false);
});

test("tiles that would be too narrow to read scroll instead", () => {
  const { boxes, breaks, tall } = layout(Array<number>(60).fill(WIDE), phone);
  assert.equal(tall, true);
  assert.deepEqual(breaks.slice(0, 2), [3, 6]);
  assert.ok(boxes.every((box) => box.width >= 128));
});

test("two hundred cameras are placed at once", () => {
  assert.equal(layout(Array<number>(200).fill(WIDE), wall).boxes.length, 200);
});

test("rows stay unless others are 4 % better", () => {
  const aspects = Array<number>(9).fill(WIDE);
  const best = layout(aspects, wall);
  const near = { ...wall, width: 1200 };
  assert.deepEqual(layout(aspects, near, best.breaks).breaks, best.breaks);
  assert.deepEqual(layout(aspects, wall, [1, 2, 3]).breaks, best.breaks);
});

test("a camera that comes or goes leaves the others in their rows", () => {
  const rows = [["a", "b", "c"], ["d", "e"], ["f"]];
  assert.deepEqual(carry(rows, ["a", "c", "d", "e", "f"]), [2, 4]);
  assert.deepEqual(carry(rows, ["a", "b", "c", "d", "new", "e", "f"]), [3, 6]);
  assert.deepEqual(carry(rows, ["new", "a", "b", "c", "d", "e", "f"]), [4, 6]);
  assert.deepEqual(carry(rows, ["d", "e"]), []);
  assert.deepEqual(carry([], ["a", "b"]), []);
});

test("another order is another wall", () => {
  assert.equal(carry([["a"], ["b"]], ["b", "a"]), null);
});
