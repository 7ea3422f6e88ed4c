// Ages and times in words.

import { clock } from "./locale";
import type { Words } from "./words";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The age in ms from which a picture is late, and its age is shown. */
export const LATE = 2 * SECOND;

/** `3 s ago`, from a minute `2 min ago`, from an hour the time of day. */
export function ageText(then: number, now: number, words: Words): string {
  const age = Math.max(0, now - then);
  if (age < MINUTE) return words.secondsAgo(Math.max(1, Math.floor(age / SECOND)));
  if (age < HOUR) return words.minutesAgo(Math.floor(age / MINUTE));
  return atText(then, now, words);
}

/** How long something has lasted: `6 s`, `2 min`, `3 h`. */
export function lastingText(then: number, now: number, words: Words): string {
  const time = Math.max(0, now - then);
  if (time < MINUTE) return words.seconds(Math.max(1, Math.floor(time / SECOND)));
  if (time < HOUR) return words.minutes(Math.floor(time / MINUTE));
  return words.hours(Math.floor(time / HOUR));
}

/** Since when: the time of day, with the date when it was not today. */
export function sinceText(then: number, now: number, words: Words): string {
  const { text, today } = timeOf(then, now, words);
  return today ? words.since(text) : words.sinceDay(text);
}

/** When: the time of day, with the date when it was not today. */
export function atText(then: number, now: number, words: Words): string {
  const { text, today } = timeOf(then, now, words);
  return today ? words.at(text) : words.on(text);
}

/** In the reader's own form. */
function timeOf(then: number, now: number, words: Words): { text: string; today: boolean } {
  const { time, dated } = forms(words.locale);
  const today = new Date(then).toDateString() === new Date(now).toDateString();
  return { text: (today ? time : dated).format(then), today };
}

interface Forms {
  time: Intl.DateTimeFormat;
  dated: Intl.DateTimeFormat;
}

const known = new Map<string, Forms>();

/** Kept, since making one takes longer than using it a thousand times. */
function forms(locale: string): Forms {
  const kept = known.get(locale);
  if (kept) return kept;
  const time = clock(locale);
  const made = {
    time: new Intl.DateTimeFormat(locale, time),
    dated: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", ...time }),
  };
  known.set(locale, made);
  return made;
}
