import assert from "node:assert/strict";
import test from "node:test";
import { neighbour } from "../../src/wall/layout/neighbour";

// Three above, two in the middle, one below.
const boxes = [
  { x: 0, y: 0, width: 100, height: 50 },
  { x: 100, y: 0, width: 100, height: 50 },
  { x: 200, y: 0, width: 100, height: 50 },
  { x: 0, y: 50, width: 150, height: 70 },
  { x: 150, y: 50, width: 150, height: 70 },
  { x: 0, y: 120, width: 300, height: 90 },
];

test("left and right follow the order of the wall", () => {
  assert.equal(neighbour(boxes, 2, "right"), 3);
  assert.equal(neighbour(boxes, 3, "left"), 2);
  assert.equal(neighbour(boxes, 0, "left"), null);
  assert.equal(neighbour(boxes, 5, "right"), null);
});

test("up and down lead to the nearest in the next row", () => {
  assert.equal(neighbour(boxes, 0, "down"), 3);
  assert.equal(neighbour(boxes, 2, "down"), 4);
  assert.equal(neighbour(boxes, 4, "down"), 5);
  assert.equal(neighbour(boxes, 4, "up"), 2);
  assert.equal(neighbour(boxes, 1, "up"), null);
  assert.equal(neighbour(boxes, 5, "down"), null);
});

test("without a focus the first tile is next", () => {
  assert.equal(neighbour(boxes, -1, "down"), 0);
  assert.equal(neighbour([], -1, "down"), null);
});
