import assert from "node:assert/strict";
import test from "node:test";
import { dayWords, momentName } from "../../src/words/dates";
import { factsOf, sizeName } from "../../src/photos/viewer/facts";
import type { Photo } from "../../src/photos/photo";
import { en, es } from "../../src/words/words";

process.env.TZ = "Europe/Madrid";

const english = { ...en, locale: "en-GB" };
const spanish = { ...es, locale: "es-ES" };
const at = (day: number, hour = 17, minute = 31): number =>
  new Date(2026, 10, day, hour, minute, 8, 412).getTime();
const now = at(20, 18, 0);

const photo: Photo = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  taken: at(20),
  time: "camera",
  received: at(20),
  type: "image/jpeg",
  bytes: 2_810_000,
  width: 4032,
  height: 3024,
  hash: "",
};

test("days have names that people use", () => {
  const start = (day: number): number => new Date(2026, 10, day).getTime();
  const name = (day: number) => dayWords(start(day), now, english);
  assert.deepEqual(name(20), { title: "Today", more: "Friday 20 November" });
  assert.deepEqual(name(19), { title: "Yesterday", more: "Thursday 19 November" });
  assert.deepEqual(name(16), { title: "Monday", more: "16 November" });
  assert.deepEqual(name(1), { title: "1 November", more: "Sunday" });
  const old = dayWords(new Date(2025, 0, 6).getTime(), now, english);
  assert.deepEqual(old, { title: "6 January 2025", more: "Monday" });
  assert.equal(dayWords(start(16), now, spanish).title, "Lunes");
});

test("yesterday is yesterday also when the clocks change", () => {
  const monday = new Date(2026, 9, 26, 0, 30).getTime();
  assert.equal(dayWords(new Date(2026, 9, 25).getTime(), monday, english).title, "Yesterday");
});

test("a moment is told as near as it is", () => {
  assert.equal(momentName(at(20), now, english), "today 17:31");
  assert.equal(momentName(at(19), now, english), "yesterday 17:31");
  assert.equal(momentName(at(2), now, english), "2 November, 17:31");
  assert.equal(momentName(at(19), now, spanish), "ayer 17:31");
});

test("facts are words", () => {
  const exif = {
    Make: "Canon",
    Model: "Canon EOS 90D",
    FocalLength: "5.4 mm",
    FNumber: "f/1.7",
    ExposureTime: "1/60 s",
    PhotographicSensitivity: "320",
  };
  const facts = factsOf(photo, exif, english);
  const of = (name: string): string[] | undefined =>
    facts.find((fact) => fact.name === name)?.lines;
  assert.deepEqual(of("Taken"), ["Friday, 20 November 2026", "17:31:08.412"]);
  assert.deepEqual(of("With"), ["Canon EOS 90D"]);
  assert.deepEqual(of("Size"), ["4032 × 3024, 2.8 MB"]);
  assert.deepEqual(of("Lens"), ["5.4 mm, f/1.7, 1/60 s, ISO 320"]);
  assert.equal(of("From"), undefined, "what is not known is not told");
  assert.deepEqual(of("Kept"), ["While there is space. Pin it to keep it for good."]);
});

test("how the time is known is told where it may be wrong", () => {
  const told = factsOf({ ...photo, time: "exif" }, {}, english)[0]!.lines;
  assert.equal(told.at(-1), "as the picture itself says");
});

test("sizes are short", () => {
  assert.equal(sizeName(301_234, "en"), "301 kB");
  assert.equal(sizeName(2_810_000, "es"), "2,8 MB");
  assert.equal(sizeName(12, "en"), "12 B");
});
