import assert from "node:assert/strict";
import test from "node:test";
import type { Camera } from "../../src/net/messages";
import { withMissing } from "../../src/net/returning";

const cameras = (names: string, state: Camera["state"] = "live"): Camera[] =>
  [...names].map((name) => ({ camera: name, name, kind: "camera", state, since: 0 }));
const names = (all: Camera[]): string => all.map(({ camera }) => camera).join("");

test("a gallery that knows none of them yet moves none", () => {
  assert.equal(names(withMissing(cameras("abc"), [])), "abc");
});

test("what is missing keeps its place among what is known, also beside what is new", () => {
  assert.equal(names(withMissing(cameras("abcd"), cameras("bd"))), "abcd");
  assert.equal(names(withMissing(cameras("abd"), cameras("acd"))), "abcd");
});

test("what is known is as it is told now", () => {
  const [a, b] = withMissing(cameras("ab"), cameras("a", "lost"));
  assert.deepEqual([a!.state, b!.state], ["lost", "live"]);
});
