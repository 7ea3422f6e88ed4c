import assert from "node:assert/strict";
import test from "node:test";
import type { Camera } from "../../src/net/messages";
import { distinct } from "../../src/wall/tile/names";

function names(...cameras: [string, string][]): string[] {
  const list = cameras.map(([camera, name]): Camera => ({
    camera,
    name,
    kind: "v4l2",
    state: "live",
    since: 0,
  }));
  return distinct(list).map(({ name }) => name);
}

test("names that differ stay", () => {
  assert.deepEqual(names(["a/x", "Door"], ["b/y", "Roof"]), ["Door", "Roof"]);
});

test("the same model on two nodes is told apart by the node", () => {
  assert.deepEqual(names(["hall/c920", "C920"], ["roof/c920", "C920"], ["roof/x", "Nest"]), [
    "C920, hall",
    "C920, roof",
    "Nest",
  ]);
});

test("the same model twice on one node is told apart by the camera's own name", () => {
  assert.deepEqual(names(["hall/c920", "C920"], ["hall/c920-2", "C920"], ["roof/c920", "C920"]), [
    "hall/c920",
    "hall/c920-2",
    "C920, roof",
  ]);
});
