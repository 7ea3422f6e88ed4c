import assert from "node:assert/strict";
import test from "node:test";
import {
  matches,
  query,
  readFilter,
  sameFilter,
  spanOf,
  writeFilter,
} from "../../src/photos/filter/filter";
import type { Photo } from "../../src/photos/photo";

process.env.TZ = "Europe/Madrid";

const photo: Photo = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  taken: new Date(2026, 10, 20, 17, 31).getTime(),
  time: "camera",
  received: 0,
  type: "image/jpeg",
  bytes: 1,
  width: 1280,
  height: 720,
  hash: "",
  camera: "square/stage",
  person: { id: "k3j9", name: "Bruno" },
};

test("the URL says what is shown, and reads back", () => {
  for (const url of [
    "",
    "?camera=square/stage",
    "?person=k3j9",
    "?day=2026-11-20",
    "?day=2026-11",
    "?camera=square/stage&person=k3j9&day=2026-11-20",
  ]) {
    assert.equal(writeFilter(readFilter(url)), url);
  }
  assert.ok(sameFilter({}, readFilter("?other=1")));
});

test("what is no filter is left out", () => {
  for (const bad of [
    "?camera=stage",
    "?camera=../x/y",
    "?camera=a/b/c",
    "?person=<b>",
    "?day=yesterday",
    "?day=2026-13-01",
    "?day=2026-02-30",
    "?day=20261120",
  ]) {
    assert.deepEqual(readFilter(bad), {}, bad);
  }
});

test("a day is from midnight to midnight, also when the clocks change", () => {
  const hours = (day: string): number => {
    const { from, to } = spanOf(day)!;
    return (to - from) / 3_600_000;
  };
  assert.equal(hours("2026-11-20"), 24);
  assert.equal(hours("2026-10-25"), 25);
  assert.equal(hours("2026-03-29"), 23);
  assert.equal(hours("2026-11"), 30 * 24);
});

test("the gallery is asked for what the sentence says", () => {
  assert.deepEqual(query({}), {});
  const { from, to } = spanOf("2026-11-20")!;
  assert.deepEqual(query({ camera: "square/stage", day: "2026-11-20" }), {
    camera: "square/stage",
    from: `${from}`,
    to: `${to}`,
  });
});

test("a photo that comes is shown where it belongs", () => {
  assert.ok(matches({}, photo));
  assert.ok(matches({ camera: "square/stage", person: "k3j9", day: "2026-11-20" }, photo));
  assert.ok(matches({ day: "2026-11" }, photo));
  assert.ok(!matches({ camera: "house/door" }, photo));
  assert.ok(!matches({ person: "other" }, photo));
  assert.ok(!matches({ day: "2026-11-21" }, photo));
  const { from, to } = spanOf("2026-11-20")!;
  assert.ok(matches({ day: "2026-11-20" }, { ...photo, taken: from }));
  assert.ok(!matches({ day: "2026-11-20" }, { ...photo, taken: to }));
});
