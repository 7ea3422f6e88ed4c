// Who is here, updated by the gallery's messages.

import type { Present } from "./wire";

/** Those who are here after some came or changed and some left, in the order in which they came. */
export function merge(
  people: readonly Present[],
  here: readonly Present[],
  gone: readonly string[],
): Present[] {
  const all = new Map(people.map((person) => [person.id, person]));
  for (const id of gone) all.delete(id);
  for (const person of here) all.set(person.id, person);
  return [...all.values()].sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
}
