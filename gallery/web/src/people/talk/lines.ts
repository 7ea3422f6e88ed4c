// The lines of the talk, and which of them were not read yet.

import type { Word } from "./shelf";
import type { Line } from "../wire";

/** The page keeps so many. */
const MOST = 1_000;

/** Lines after more have come, oldest first. One that comes again is not added. */
export function append(lines: readonly Line[], more: readonly Line[]): readonly Line[] {
  const known = new Set(lines.map(({ id }) => id));
  const fresh = more.filter(({ id }) => !known.has(id) && known.add(id));
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-MOST);
}

/** A line of the talk; one that nobody has heard yet comes with its word. */
export type Told = Line & { word?: Word };

/** Lines, and between them the words of somebody that are not heard yet. */
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
    // What will never be said stands where it was tried; what waits will be said last.
    let place = all.length;
    while (word.never && place > 0 && all[place - 1]!.at > at) place--;
    all.splice(place, 0, { id, at, person, what: "said", text, word });
  }
  return all;
}

/** How many things were said after the line that was read last; null if nothing was read. */
export function unread(lines: readonly Line[], read: string | null): number {
  if (read === null) return 0;
  const at = lines.findIndex(({ id }) => id === read);
  return lines.slice(at + 1).filter(({ what }) => what === "said").length;
}

/** How far from the end still counts as the end, in pixels. */
const NEAR = 32;

export function isAtEnd(at: { scrollTop: number; clientHeight: number; scrollHeight: number }) {
  return at.scrollHeight - at.scrollTop - at.clientHeight <= NEAR;
}
