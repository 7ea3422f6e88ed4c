// Which cameras of the wall are one's own.

/** No name of a node is longer. */
const LONGEST = 32;

/** How the cameras begin that this person shows from pages; none does if there is nobody. */
export function ownNode(person: string | undefined): string {
  return person === undefined ? "/" : `${`web-${person}`.slice(0, LONGEST)}/`;
}
