// The lines of the talk, and which of them were not read yet.

import type { Line } from "./wire";

/** The page keeps so many. */
const MOST = 1_000;

/** Lines after more have come, oldest first. One that comes again is not added. */
export function append(lines: readonly Line[], more: readonly Line[]): readonly Line[] {
  const known = new Set(lines.map(({ id }) => id));
  const fresh = more.filter(({ id }) => !known.has(id) && known.add(id));
  return fresh.length === 0 ? lines : [...lines, ...fresh].slice(-MOST);
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
