import assert from "node:assert/strict";
import test from "node:test";
import { characters, halves } from "../../src/words/cut";

const LONG = [
  "The north door of the old house by the river",
  "Videocamera_dell_ingresso_principale",
  "北门外面的停车场和自行车棚以及花园",
  "Überwachungskamera für den Fahrradkeller 2",
  "كاميرا الباب الشمالي للمنزل القديم",
  "👩‍👩‍👧‍👦".repeat(20),
  "e\u0301".repeat(30),
];

test("a short name has one end", () => {
  for (const name of ["", "Door", "North door, in", "北门", "👩‍👩‍👧‍👦".repeat(14)]) {
    assert.deepEqual(halves(name), [name, ""]);
  }
});

test("both ends together are the whole name, cut between characters", () => {
  for (const name of LONG) {
    const [begin, end] = halves(name);
    assert.equal(begin + end, name);
    assert.deepEqual([...characters(begin), ...characters(end)], characters(name), name);
    assert.ok(characters(end).length >= 5 && characters(end).length <= 9, end);
  }
});

test("the end begins with a word where it can", () => {
  assert.equal(halves("The north door of the old house by the river")[1], " river");
  assert.equal(halves("كاميرا الباب الشمالي للمنزل القديم")[1], " القديم");
});

test("browsers without a segmenter do not break letters and pictures either", () => {
  const { Segmenter } = Intl;
  try {
    Reflect.deleteProperty(Intl, "Segmenter");
    assert.deepEqual(characters("e\u0301x👩‍👧"), ["e\u0301", "x", "👩‍👧"]);
    for (const name of LONG) assert.equal(halves(name).join(""), name);
  } finally {
    Object.assign(Intl, { Segmenter });
  }
});
