// What a text of the talk mentions: `#photo/<id>` and `#camera/<node>/<camera>`.

export type Part = { text: string } | { photo: string } | { camera: string };

const MENTION =
  /#photo\/([0-7][0-9A-HJKMNP-TV-Z]{25})(?![0-9A-Z])|#camera\/([a-z0-9_-]{1,32}\/[a-z0-9_-]{1,32})(?![a-z0-9_-])/g;

/** A text as it is to be shown, in its order. All that is no mention stays text. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(MENTION)) {
    const [whole, photo, camera] = match;
    if (match.index > from) found.push({ text: text.slice(from, match.index) });
    if (photo !== undefined) found.push({ photo });
    else if (camera !== undefined) found.push({ camera });
    from = match.index + whole.length;
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}

/** A draft with a mention at its end. */
export function withMention(draft: string, mention: string): string {
  return `${draft}${draft === "" || /\s$/.test(draft) ? "" : " "}${mention} `;
}
