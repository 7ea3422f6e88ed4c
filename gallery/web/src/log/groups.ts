// Events that come together become one line in the log: a crowd that arrives, or several photos.

import type { Entry } from "./entry";

/** Events further apart do not belong together, in milliseconds. */
const TOGETHER = 60_000;

/** Neighbours of one kind, newest first. */
export type Group = readonly [Entry, ...Entry[]];

/** The lines of entries, both newest first. */
export function groups(entries: readonly Entry[]): Group[] {
  const all: [Entry, ...Entry[]][] = [];
  for (const entry of entries) {
    const group = all.at(-1);
    const later = group?.at(-1);
    if (group && later && belongs(later, entry)) group.push(entry);
    else all.push([entry]);
  }
  return all;
}

function belongs(later: Entry, entry: Entry): boolean {
  const sameDay = new Date(later.at).toDateString() === new Date(entry.at).toDateString();
  return sameDay && later.at - entry.at <= TOGETHER && kind(later) === kind(entry);
}

function kind(entry: Entry): string {
  switch (entry.event) {
    case "stored":
      return entry.back ? "back" : `stored ${entry.person} ${entry.name}`;
    case "changed":
      // Each caption deserves a line of its own.
      return entry.what.join() === "pin" ? `pin ${entry.pinned}` : `changed ${entry.id}`;
    case "deleted":
    case "joined":
    case "missed":
      return entry.event;
    case "left":
      return `left ${entry.lost}`;
    case "denied":
      return `denied ${entry.address}`;
    default:
      // Entries that differ only in their time.
      return JSON.stringify({ ...entry, id: 0, at: 0 });
  }
}
