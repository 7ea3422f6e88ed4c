import assert from "node:assert/strict";
import test from "node:test";
import type { Day, Photo } from "../../src/photos/photo";
import type { Measure } from "../../src/photos/grid/rows";
import {
  anchorAt,
  arrange,
  beside,
  endOf,
  heightOf,
  locate,
  photoNear,
  rowsBetween,
  slabAt,
  slabsBetween,
  spotOf,
  type Loaded,
} from "../../src/photos/grid/day-list";

const measure: Measure = { width: 1156, target: 184, gap: 4 };
const margins = { head: 56, foot: 40 };
const { head } = margins;

function photo(i: number, taken = i): Photo {
  const [width, height] = i % 3 === 0 ? [600, 800] : [1280, 720];
  const id = `01${String(i).padStart(24, "0")}`;
  return { id, taken, time: "", received: taken, type: "", bytes: 1, width, height, hash: "" };
}

function day(n: number, count: number): Day {
  const start = n * 86_400_000;
  return { day: `day-${n}`, start, end: start + 1, count, aspect: count * 1.4, cameras: 1 };
}

function photos(n: number, count: number): Photo[] {
  return Array.from({ length: count }, (_, i) => photo(n * 10_000 + i));
}

/** Three thousand days with 40 photos each, of which some are loaded. */
const days = Array.from({ length: 3_000 }, (_, i) => day(i, 40));
const whole = (...loaded: number[]) => {
  const known = new Map<string, Loaded>(
    loaded.map((n) => [`day-${n}`, { photos: photos(n, 40), whole: true }]),
  );
  return (name: string): Loaded | undefined => known.get(name);
};

test("days lie below each other without a gap", () => {
  const sheet = arrange(days, whole(0, 5, 7), measure, margins);
  let top = 0;
  for (const slab of sheet.slabs) {
    assert.equal(slab.top, top);
    top += slab.height;
  }
  assert.equal(sheet.height, top);
});

test("a height finds its day", () => {
  const sheet = arrange(days, whole(3), measure, margins);
  for (const slab of sheet.slabs) {
    assert.equal(slabAt(sheet, slab.top), slab);
    assert.equal(slabAt(sheet, slab.top + slab.height - 1), slab);
  }
  assert.equal(slabAt(sheet, -100), sheet.slabs[0]);
  assert.equal(slabAt(sheet, 1e9), sheet.slabs.at(-1));
  assert.equal(slabAt({ slabs: [], height: 0 }, 0), null);
});

test("only what is near the view is drawn, however many photos there are", () => {
  const sheet = arrange(days, (name) => whole(Number(name.slice(4)))(name), measure, margins);
  const [from, to] = [1_000_000, 1_000_800];
  const slabs = slabsBetween(sheet, from, to);
  assert.ok(slabs.length >= 1 && slabs.length <= 3);
  const rows = slabs.flatMap((slab) => rowsBetween(slab, head, from, to));
  assert.ok(rows.length >= 2 && rows.length <= 7, `${rows.length}`);
});

test("what is in view stays where it is when days above turn out to be taller", () => {
  const before = arrange(days, whole(500), measure, margins);
  const slab = before.slabs[500]!;
  for (const below of [0, 30, head + 10, head + 300, head + 700]) {
    const y = slab.top + below;
    const anchor = anchorAt(before, y, y + 800, head)!;
    const after = arrange(days, whole(1, 2, 300, 499, 500, 501), measure, margins);
    assert.notEqual(after.slabs[500]!.top, slab.top);
    assert.equal(heightOf(after, anchor, head)! - after.slabs[500]!.top, below);
  }
});

test("what is in view stays where it is when a photo comes above it on the same day", () => {
  const many = photos(0, 40);
  const before = arrange(
    days,
    (d) => (d === "day-0" ? { photos: many, whole: true } : undefined),
    measure,
    margins,
  );
  const y = before.slabs[0]!.top + head + before.slabs[0]!.rows[5]!.y + 20;
  const anchor = anchorAt(before, y, y + 800, head)!;
  const more = [photo(99_999), ...many];
  const after = arrange(
    days,
    (d) => (d === "day-0" ? { photos: more, whole: true } : undefined),
    measure,
    margins,
  );
  const row = locate(after, anchor.photo!)!.row;
  assert.equal(heightOf(after, anchor, head), after.slabs[0]!.top + head + row.y + 20);
});

test("a loaded photo in view is kept in place before a day that is not loaded", () => {
  const before = arrange(days, whole(6), measure, margins);
  const y = before.slabs[6]!.top - 100;
  const anchor = anchorAt(before, y, y + 800, head)!;
  assert.equal(anchor.photo, before.slabs[6]!.photos[0]!.id);
  const after = arrange(days, whole(4, 5, 6), measure, margins);
  assert.equal(heightOf(after, anchor, head), after.slabs[6]!.top - 100);
});

test("a day that goes leaves the view where it was", () => {
  const sheet = arrange(days, whole(), measure, margins);
  const anchor = anchorAt(sheet, sheet.slabs[7]!.top + 90, sheet.slabs[7]!.top + 200, head)!;
  const without = days.filter(({ day }) => day !== "day-7");
  assert.equal(heightOf(arrange(without, whole(), measure, margins), anchor, head), null);
});

test("of a day that is loaded in part the last row waits for more", () => {
  const part = { photos: photos(0, 20), whole: false };
  const sheet = arrange(days, (name) => (name === "day-0" ? part : undefined), measure, margins);
  const [first] = sheet.slabs;
  assert.ok(first!.rows.at(-1)!.to < 20);
  assert.ok(first!.rest > 0);
  const all = arrange(days, whole(0), measure, margins).slabs[0]!;
  const rows = first!.rows.length;
  assert.deepEqual(all.rows.slice(0, rows), first!.rows, "what is there does not move");
});

test("arrows lead from photo to photo, over the edge of a day too", () => {
  const sheet = arrange(days, whole(0, 1), measure, margins);
  const id = (n: number, i: number): string => photos(n, 40)[i]!.id;
  assert.equal(beside(sheet, id(0, 0), "left", measure), null);
  assert.equal(beside(sheet, id(0, 0), "right", measure), id(0, 1));
  assert.equal(beside(sheet, id(0, 39), "right", measure), id(1, 0));
  assert.equal(beside(sheet, id(1, 0), "left", measure), id(0, 39));
  const down = beside(sheet, id(0, 0), "down", measure)!;
  assert.equal(down, id(0, sheet.slabs[0]!.rows[1]!.from));
  assert.equal(beside(sheet, down, "up", measure), id(0, 0));
  const last = sheet.slabs[0]!.rows.at(-1)!;
  const over = beside(sheet, id(0, last.from), "down", measure);
  assert.equal(over, id(1, 0));
  assert.equal(beside(sheet, id(1, 39), "right", measure), null, "what is not loaded");
  assert.equal(beside(sheet, "no such", "right", measure), null);
});

test("a key that goes far finds the photo there, or tells that it is not loaded", () => {
  const sheet = arrange(days, whole(0, 1, 2_999), measure, margins);
  const [first, second] = sheet.slabs;
  assert.equal(endOf(sheet, "first"), first!.photos[0]!.id);
  assert.equal(endOf(sheet, "last"), sheet.slabs.at(-1)!.photos.at(-1)!.id);
  assert.equal(endOf(arrange(days, whole(0), measure, margins), "last"), null);
  assert.equal(endOf(arrange([], whole(), measure, margins), "first"), null);

  for (const { photos } of [first!, second!]) {
    for (const { id } of photos) {
      const spot = spotOf(sheet, id, head, measure)!;
      assert.equal(photoNear(sheet, spot.x, spot.y + spot.height / 2, head, measure), id);
    }
  }
  const near = (y: number): string | null => photoNear(sheet, 0, y, head, measure);
  assert.equal(near(-500), first!.photos[0]!.id, "above all it is the first");
  assert.equal(near(second!.top - 1), first!.photos[first!.rows.at(-1)!.from]!.id, "a day's foot");
  assert.equal(near(second!.top + 1), second!.photos[0]!.id, "its heading");
  assert.equal(near(sheet.slabs[2]!.top + 100), null, "a day that is not loaded");
  assert.ok(near(sheet.height + 1e6) !== null, "below all it is the last row");
});
