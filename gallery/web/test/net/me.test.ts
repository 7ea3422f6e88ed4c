import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { parseMessage } from "../../src/net/messages";
import { allows, readMe, turn, type Me } from "../../src/net/me";

const golden = JSON.parse(readFileSync("../../wire/golden/me.json", "utf8")) as unknown[];

const nobody: Me = {
  users: true,
  setup: false,
  name: null,
  role: "visitor",
  rights: ["look"],
  cameras: null,
  hours: null,
  secure: false,
  administrators: [],
};

test("who the page's user is is read without loss", () => {
  for (const message of golden) {
    assert.deepEqual(parseMessage(JSON.stringify(message)), message);
  }
});

test("what is no answer to who one is is null", () => {
  for (const raw of [null, [], 7, {}, { users: true }, { rights: [] }, { users: 1, rights: [] }]) {
    assert.equal(readMe(raw), null, JSON.stringify(raw));
  }
});

test("what cannot be read never allows more", () => {
  const read = readMe({ users: true, rights: [7, "look", null], cameras: [7], role: "king" });
  assert.deepEqual(read, { ...nobody, role: null, cameras: [] });
  assert.deepEqual(readMe({ users: true, rights: [], cameras: "house/*" })?.cameras, []);
});

test("hours that are none are no hours", () => {
  for (const hours of [7, {}, { from: "8:00", to: "20:00" }, { from: "08:00", to: "24:00" }]) {
    assert.equal(readMe({ users: true, rights: [], hours })?.hours, null, JSON.stringify(hours));
  }
});

test("a right is had only if the gallery said so, but nothing is refused before it said anything", () => {
  assert.ok(allows(nobody, "look"));
  assert.ok(!allows(nobody, "talk"));
  assert.ok(allows(null, "delete"));
});

test("a page knows when its person is out, and when another one is in", () => {
  const ana = { ...nobody, name: "ana" };
  assert.equal(turn(null, nobody), "same");
  assert.equal(turn(null, ana), "same");
  assert.equal(turn("ana", ana), "same");
  assert.equal(turn("ana", nobody), "out");
  assert.equal(turn("ana", { ...ana, name: "tom" }), "other");
});
