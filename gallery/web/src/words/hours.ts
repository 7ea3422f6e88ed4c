// A part of each day in words, in the reader's own form.

import type { Hours } from "../net/me";
import { timeName } from "./dates";
import type { Words } from "./words";

/** `16:00 to 20:00`. */
export function hoursText({ from, to }: Hours, words: Words): string {
  return words.logins.hours(clockText(from, words), clockText(to, words));
}

/** A time of day such as `16:00`. */
export function clockText(time: string, words: Words): string {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return timeName(new Date(2001, 0, 1, hour, minute).getTime(), words);
}
