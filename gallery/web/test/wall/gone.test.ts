// What is gone for long, and what is forgotten with it.

import assert from "node:assert/strict";
import test from "node:test";
import type { Camera } from "../../src/net/messages";
import { daysGone, lostWith } from "../../src/wall/camera/gone";

const DAY = 86_400_000;
const NOW = 100 * DAY;

function camera(name: string, facts: Partial<Camera> = {}): Camera {
  return {
    camera: name,
    name,
    kind: "v4l2",
    state: "lost",
    reason: "unplugged",
    since: NOW - 3 * DAY,
    ...facts,
  };
}

test("what is lost since a day is gone, and nothing else", () => {
  assert.equal(daysGone(camera("pi/a"), NOW), 3);
  assert.equal(daysGone(camera("pi/a", { since: NOW - DAY + 1 }), NOW), 0);
  assert.equal(daysGone(camera("pi/a", { since: NOW - DAY }), NOW), 1);
  assert.equal(daysGone(camera("pi/a", { since: NOW + DAY }), NOW), 0, "its clock is ahead");
  for (const state of ["live", "idle", "off", "error", "ended"] as const) {
    assert.equal(daysGone(camera("pi/a", { state }), NOW), 0, state);
  }
});

test("what is plugged in but gives no pictures is not gone", () => {
  for (const reason of ["stalled", "frozen", "broken", "of a later version"]) {
    assert.equal(daysGone(camera("pi/a", { reason }), NOW), 0, reason);
  }
  assert.equal(daysGone(camera("pi/a", { reason: "node-offline" }), NOW), 3);
});

test("with a node that is gone go all its cameras, with a camera only itself", () => {
  const off = { reason: "node-offline" };
  const all = [camera("pi/a", off), camera("pi/b", off), camera("pi2/a", off), camera("x/a")];
  assert.deepEqual(lostWith(all[0]!, all), { node: "pi", name: "pi", cameras: ["pi/a", "pi/b"] });
  assert.equal(lostWith(all[2]!, all).node, null, "its only one: its name says more");
  const unplugged = camera("pi/b", { reason: "unplugged" });
  assert.deepEqual(lostWith(unplugged, [all[0]!, unplugged]).cameras, ["pi/b"]);
});
