// Where a long name is cut: in the middle, so that both ends are seen, and never within a character.

/** The characters as people count them (Unicode's extended grapheme clusters). */
export function characters(text: string): string[] {
  if ("Segmenter" in Intl) return [...segments(text)];
  // Browsers before 2024: a letter with its marks, or pictures that are joined into one.
  return text.match(/\P{M}\p{M}*(?:\u200d\P{M}\p{M}*)*|\p{M}+/gu) ?? [];
}

let segmenter: Intl.Segmenter | undefined;

function* segments(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter();
  for (const { segment } of segmenter.segment(text)) yield segment;
}

/** A shorter name has one end. */
const LONG = 14;

/** What of the end is always seen: the least and the most characters. */
const END = { least: 5, most: 9 };

/**
 * The beginning, which is cut where there is no room, and the end, which stays. The end begins with
 * a word if it can: in some scripts a cut word changes its letters.
 */
export function halves(name: string): [begin: string, end: string] {
  const all = characters(name);
  if (all.length <= LONG) return [name, ""];
  const from = all.length - END.most;
  const blank = all.slice(from, all.length - END.least).indexOf(" ");
  const at = blank >= 0 ? from + blank : all.length - END.least - 1;
  return [all.slice(0, at).join(""), all.slice(at).join("")];
}
