// What a text of the talk mentions: `#photo/<id>`, `#camera/<node>/<camera>`, and addresses of the
// web.

export type Part = { text: string } | { photo: string } | { camera: string } | { link: string };

const MENTION =
  /#photo\/([0-7][0-9A-HJKMNP-TV-Z]{25})(?![0-9A-Z])|#camera\/([a-z0-9_-]{1,32}\/[a-z0-9_-]{1,32})(?![a-z0-9_-])/g;

/** Only these schemes: other addresses may run scripts. */
const ADDRESS = /https?:\/\/[^\s<>"\\^`{|}]+/gi;

/** Punctuation after an address belongs to the sentence, even several characters. */
const BEHIND = /[.,;:!?'’”»…·*_~]$/;
const BRACKETS: Record<string, string> = { ")": "(", "]": "[" };
const LETTER = /[\p{L}\p{N}]$/u;

/** A text in parts, in order. Whatever is no mention and no address stays text. */
export function parts(text: string): Part[] {
  const found: Part[] = [];
  let from = 0;
  for (const [start, end] of addresses(text)) {
    found.push(...mentions(text.slice(from, start)), { link: text.slice(start, end) });
    from = end;
  }
  return [...found, ...mentions(text.slice(from))];
}

/** The parts of a text without gaps for mentions: those at its ends, which appear below
 * it, go with the blanks around them. */
export function shownParts(text: string): Part[] {
  const shown = parts(text);
  const isBlank = (part: Part | undefined): boolean =>
    part !== undefined && ("photo" in part || ("text" in part && part.text.trim() === ""));
  while (isBlank(shown[0])) shown.shift();
  while (isBlank(shown.at(-1))) shown.pop();
  return shown.map((part, i) => {
    if (!("text" in part)) return part;
    const start = i === 0 ? part.text.trimStart() : part.text;
    return { text: i === shown.length - 1 ? start.trimEnd() : start };
  });
}

function mentions(text: string): Part[] {
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

/** Where a text has addresses. */
function addresses(text: string): [start: number, end: number][] {
  const found: [number, number][] = [];
  for (const { index, 0: match } of text.matchAll(ADDRESS)) {
    const address = trimmed(match);
    if (!LETTER.test(text.slice(0, index)) && isGood(address)) {
      found.push([index, index + address.length]);
    }
  }
  return found;
}

function trimmed(address: string): string {
  for (;;) {
    const last = address.at(-1) ?? "";
    const opening = BRACKETS[last];
    const unopened = opening && address.split(last).length > address.split(opening).length;
    if (!unopened && !BEHIND.test(address)) return address;
    address = address.slice(0, -1);
  }
}

/** Excludes one with a user name, which looks as if it led somewhere else. */
function isGood(address: string): boolean {
  try {
    const { protocol, hostname, username, password } = new URL(address);
    const leads = hostname !== "" && username === "" && password === "";
    return leads && (protocol === "http:" || protocol === "https:");
  } catch {
    return false;
  }
}

/** A draft with a mention at its end. */
export function withMention(draft: string, mention: string): string {
  return `${draft}${draft === "" || /\s$/.test(draft) ? "" : " "}${mention} `;
}
