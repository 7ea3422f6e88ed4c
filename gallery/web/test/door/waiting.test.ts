import assert from "node:assert/strict";
import test from "node:test";
import { left, waitFrom } from "../../src/door/waiting";

test("a wait is counted in whole seconds, and is over at its end", () => {
  const wait = waitFrom(10_000, 8)!;
  assert.equal(left(wait, 10_000), 8);
  assert.equal(left(wait, 10_001), 8);
  assert.equal(left(wait, 11_000), 7);
  assert.equal(left(wait, 17_999), 1);
  assert.equal(left(wait, 18_000), 0);
  assert.equal(left(wait, 90_000), 0);
});

test("a clock that is set back makes no wait longer", () => {
  assert.equal(left(waitFrom(10_000, 8)!, 0), 8);
});

test("without seconds there is no wait", () => {
  assert.equal(waitFrom(10_000, 0), null);
  assert.equal(waitFrom(10_000, -1), null);
});
