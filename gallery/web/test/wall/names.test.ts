import assert from "node:assert/strict";
import test from "node:test";
import type { Camera } from "../../src/net/messages";
import { distinct } from "../../src/wall/tile/names";

function list(...cameras: [string, string, string?][]): Camera[] {
  const list = cameras.map(([camera, name, node_title]): Camera => ({
    camera,
    name,
    ...(node_title && { node_title }),
    kind: "v4l2",
    state: "live",
    since: 0,
  }));
  return distinct(list);
}

function names(...cameras: [string, string, string?][]): string[] {
  return list(...cameras).map(({ name }) => name);
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

test("two cameras of one title are told apart by the titles of their nodes", () => {
  assert.deepEqual(names(["a/x", "Door", "The old house"], ["b/y", "Door"], ["c/z", "北门"]), [
    "Door, The old house",
    "Door, b",
    "北门",
  ]);
  assert.deepEqual(names(["a/x", "Door", "Hall"], ["b/y", "Door", "Hall"]), ["a/x", "b/y"]);
});

test("a name that had to become longer is still changed as it was given", () => {
  const [door, roof] = list(["a/x", "Door"], ["b/y", "Door"]);
  assert.deepEqual([door?.name, door?.called], ["Door, a", "Door"]);
  assert.deepEqual([roof?.name, roof?.called], ["Door, b", "Door"]);
  assert.equal(list(["a/x", "Door"])[0]?.called, undefined);
});
