// Days and times of photos in words, in the reader's own form.

import { clock } from "./locale";
import { sentence, type Words } from "./words";

export interface DayWords {
  /** `Today`, `Sunday`, `16 October`. */
  title: string;
  /** What the title leaves out: `Thursday 20 November`. */
  more: string;
}

const DAY = 86_400_000;

/** `start` is the beginning of the day. */
export function dayWords(start: number, now: number, words: Words): DayWords {
  const ago = daysBetween(start, now);
  const { weekday, date, dated, full } = forms(words.locale);
  const thisYear = new Date(start).getFullYear() === new Date(now).getFullYear();
  if (ago === 0) return { title: words.today, more: full.format(start) };
  if (ago === 1) return { title: words.yesterday, more: full.format(start) };
  const name = weekday.format(start);
  if (ago > 1 && ago < 7) return { title: sentence(name), more: date.format(start) };
  return { title: (thisYear ? date : dated).format(start), more: name };
}

/** `Thursday 20 November`, with the year if it is another one. */
export function dayName(start: number, now: number, words: Words): string {
  const { full, fullDated } = forms(words.locale);
  const thisYear = new Date(start).getFullYear() === new Date(now).getFullYear();
  return (thisYear ? full : fullDated).format(start);
}

/** `November 2026`. */
export function monthName(time: number, words: Words): string {
  return forms(words.locale).month.format(time);
}

/** `Nov`. */
export function monthMark(time: number, words: Words): string {
  return sentence(forms(words.locale).mark.format(time).replace(".", ""));
}

export function timeName(time: number, words: Words): string {
  return forms(words.locale).time.format(time);
}

/** `today 17:31`, `16 November, 17:31`. */
export function momentName(time: number, now: number, words: Words): string {
  const { viewer } = words;
  const { time: clock, date, dated } = forms(words.locale);
  const ago = daysBetween(time, now);
  if (ago === 0) return viewer.today(clock.format(time));
  if (ago === 1) return viewer.yesterday(clock.format(time));
  const thisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return viewer.on((thisYear ? date : dated).format(time), clock.format(time));
}

/** The day with its year, and the time to the millisecond. */
export function exactly(time: number, words: Words): [string, string] {
  const { fullDated, exact } = forms(words.locale);
  return [sentence(fullDated.format(time)), exact.format(time)];
}

/** How many midnights lie between; summer time makes days that are longer or shorter. */
function daysBetween(then: number, now: number): number {
  const midnight = (time: number): number => new Date(time).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(then)) / DAY);
}

type Forms = ReturnType<typeof make>;

const known = new Map<string, Forms>();

function forms(locale: string): Forms {
  const made = known.get(locale) ?? make(locale);
  known.set(locale, made);
  return made;
}

function make(locale: string) {
  const form = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
  const date = { day: "numeric", month: "long" } as const;
  const time = clock(locale);
  return {
    weekday: form({ weekday: "long" }),
    date: form(date),
    dated: form({ ...date, year: "numeric" }),
    full: form({ ...date, weekday: "long" }),
    fullDated: form({ ...date, weekday: "long", year: "numeric" }),
    month: form({ month: "long", year: "numeric" }),
    mark: form({ month: "short" }),
    time: form(time),
    exact: form({ ...time, second: "2-digit", fractionalSecondDigits: 3 }),
  };
}
