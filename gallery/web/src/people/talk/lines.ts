// The lines of the talk, and which of them are unread.

import type { Word } from "./shelf";
import type { Line } from "../wire";

/** How many lines the page keeps. */
const MOST = 1_000;

/** The lines with new ones, oldest first. A repeated one is not added. */
export function append(lines: readonly Line[], more: readonly Line[]): readonly Line[] {
  const known = new Set(lines.map(({ id }) => id));
  const fresh = more.filter(({ id }) => !known.has(id) && known.add(id));
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-MOST);
}

/** A line of the talk; one that has not come back yet has its message. */
export type Told = Line & { word?: Word };

/** Lines, and between them this browser's messages that have not come back. */
export function withWords(
  lines: readonly Line[],
  words: readonly Word[],
  person: Line["person"],
): readonly Told[] {
  if (words.length === 0) return lines;
  const known = new Set(lines.map(({ id }) => id));
  const all: Told[] = [...lines];
  for (const word of words) {
    if (known.has(word.id)) continue;
    const { id, at, text } = word;
    // A failed message stays where it was tried; waiting ones come last.
    let place = all.length;
    while (word.never && place > 0 && all[place - 1]!.at > at) place--;
    all.splice(place, 0, { id, at, person, what: "said", text, word });
  }
  return all;
}

/** How many lines came after the last one that was read; null if none was read. */
export function unread(lines: readonly Line[], read: string | null): number {
  if (read === null) return 0;
  const at = lines.findIndex(({ id }) => id === read);
  return lines.slice(at + 1).filter(({ what }) => what === "said").length;
}

/** How far from the end still counts as the end, in pixels. */
const NEAR = 32;

/** What of an element says how far it is scrolled, in pixels. */
interface Scrolled {
  scrollTop: number;
  clientHeight: number;
  scrollHeight: number;
}

export function isAtEnd(at: Scrolled): boolean {
  return at.scrollHeight - at.scrollTop - at.clientHeight <= NEAR;
}

/**
 * Whether a view that was at `before` (its `scrollTop`) still follows the end.
 *
 * Only a hand moves it up. The end moves away by itself: a line comes, or the room grows smaller,
 * and the browser can report an older scrolling after that.
 */
export function follows(did: boolean, before: number, at: Scrolled): boolean {
  return isAtEnd(at) || (did && at.scrollTop >= before);
}
