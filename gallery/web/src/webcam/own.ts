// Which cameras of the wall belong to this person.

/** The longest name of a node. */
const LONGEST = 32;

/** The prefix of the cameras that this person shows from pages; none without a person. */
export function ownNode(person: string | undefined): string {
  return person === undefined ? "/" : `${`web-${person}`.slice(0, LONGEST)}/`;
}
