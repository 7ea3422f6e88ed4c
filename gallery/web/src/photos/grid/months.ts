// The marks at the edge of the photos: months as many as fit, then years.

import type { Day } from "../photo";

export interface Mark {
  /** `2026-11`, or `2024` for all of a year. */
  key: string;
  /** The newest day in it. */
  day: Day;
}

/** The newest day of each month, newest first. */
export function monthsOf(days: readonly Day[]): Mark[] {
  const marks: Mark[] = [];
  for (const day of days) {
    const key = day.day.slice(0, 7);
    if (marks.at(-1)?.key !== key) marks.push({ key, day });
  }
  return marks;
}

/** At most `room` marks: the older months become years, and the oldest years go. */
export function fit(months: Mark[], room: number): Mark[] {
  if (months.length <= room) return months;
  for (let kept = Math.min(room, months.length); kept >= 0; kept--) {
    const years = yearsOf(months.slice(kept));
    if (kept + years.length <= room) return [...months.slice(0, kept), ...years];
  }
  return yearsOf(months).slice(0, Math.max(0, room));
}

/** Whether a month is told with its year: the first one, and where another year begins. */
export function hasYear(marks: readonly Mark[], i: number): boolean {
  const year = (at: number): string | undefined => marks[at]?.key.slice(0, 4);
  return year(i) !== year(i - 1);
}

function yearsOf(months: Mark[]): Mark[] {
  const years: Mark[] = [];
  for (const { key, day } of months) {
    const year = key.slice(0, 4);
    if (years.at(-1)?.key !== year) years.push({ key: year, day });
  }
  return years;
}

/** The mark that a day belongs to: its month, or else its year. */
export function markOf(marks: Mark[], day: string): Mark | undefined {
  return (
    marks.find(({ key }) => key === day.slice(0, 7)) ??
    marks.find(({ key }) => key === day.slice(0, 4))
  );
}
