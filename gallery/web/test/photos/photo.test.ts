import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { newId, PHOTO_ID, readDay, readEvent, readPhoto } from "../../src/photos/photo";

const golden = JSON.parse(readFileSync("../../wire/golden/photos.json", "utf8")) as {
  photo: Record<string, unknown>[];
};

test("golden events are read without loss", () => {
  for (const event of golden.photo) assert.deepEqual(readEvent(event), event);
});

test("what is no photo is null", () => {
  const { photo } = golden.photo[0] as { photo: Record<string, unknown> };
  for (const [key, bad] of [
    ["id", "../../etc/passwd"],
    ["id", 7],
    ["taken", "yesterday"],
    ["width", 0],
    ["height", -1],
    ["bytes", null],
  ] as const) {
    assert.equal(readPhoto({ ...photo, [key]: bad }), null, key);
  }
  for (const bad of [null, [], "x", {}]) assert.equal(readPhoto(bad), null);
  assert.equal(readEvent({ event: "painted", photo }), null);
  assert.equal(readEvent({ event: "deleted", id: "x" }), null);
});

test("a day without photos is none", () => {
  const day = { day: "2026-11-20", start: 0, end: 1, count: 3, aspect: 4, cameras: 2 };
  assert.deepEqual(readDay(day), day);
  assert.equal(readDay({ ...day, count: 0 }), null);
  assert.equal(readDay({ ...day, end: 0 }), null);
});

test("a new id is a ULID of its time", () => {
  const random = new Uint8Array(16).fill(255);
  assert.equal(newId(1_469_918_176_385, random), "01ARYZ6S41ZZZZZZZZZZZZZZZZ");
  assert.match(newId(Date.now(), crypto.getRandomValues(random)), PHOTO_ID);
});
