import assert from "node:assert/strict";
import test from "node:test";
import { fit, hasYear, markOf, monthsOf } from "../../src/photos/grid/months";
import type { Day } from "../../src/photos/photo";

function day(name: string): Day {
  return { day: name, start: 0, end: 1, count: 1, aspect: 1, cameras: 1 };
}

const days = ["2026-11-20", "2026-11-02", "2026-10-30", "2026-08-01", "2025-12-24", "2024-01-01"];
const months = monthsOf(days.map(day));
const keys = (room: number): string[] => fit(months, room).map(({ key }) => key);

test("each month that has photos has a mark", () => {
  assert.deepEqual(
    months.map(({ key }) => key),
    ["2026-11", "2026-10", "2026-08", "2025-12", "2024-01"],
  );
});

test("as many months as fit, then years", () => {
  assert.equal(keys(5).length, 5);
  assert.deepEqual(keys(4), ["2026-11", "2026", "2025", "2024"]);
  assert.deepEqual(keys(3), ["2026", "2025", "2024"]);
  assert.deepEqual(keys(2), ["2026", "2025"]);
  assert.deepEqual(keys(0), []);
  for (let room = 0; room < 10; room++)
    assert.ok(keys(room).length <= Math.max(room, 0) || room > 4);
});

test("a day belongs to its month, or else to its year", () => {
  const marks = fit(months, 4);
  assert.equal(markOf(marks, "2026-11-02")?.key, "2026-11");
  assert.equal(markOf(marks, "2026-08-01")?.key, "2026");
  assert.equal(markOf(marks, "2020-08-01"), undefined);
});

test("a year is told once, at its first month", () => {
  const told = (days: string[]): boolean[] => {
    const marks = monthsOf(days.map(day));
    return marks.map((_, i) => hasYear(marks, i));
  };
  assert.deepEqual(told(["2027-02-01", "2027-01-01", "2026-12-01", "2026-03-01", "2024-01-01"]), [
    true,
    false,
    true,
    false,
    true,
  ]);
});
