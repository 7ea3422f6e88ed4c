// Who is here and what is said, as the page knows it.

import { effect, signal } from "@preact/signals";
import { link, peopleListeners, say as post } from "../net/gallery";
import { append } from "./lines";
import { joined, me, takeHeld } from "./identity";
import { Outbox } from "./outbox";
import type { Line, Present } from "./wire";
import { merge } from "./presence";
import { tick } from "../page/tick";

/** In the order in which they came; null before they are known. Times by our clock. */
export const people = signal<readonly Present[] | null>(null);

/** Oldest first; null before they are known. Times by our clock. */
export const lines = signal<readonly Line[] | null>(null);

export const outbox = new Outbox((text) => {
  if (!joined.peek()) return false;
  post({ type: "say", text });
  return true;
});

peopleListeners.add((message, behind) => {
  const ours = (person: Present): Present => ({ ...person, since: person.since + behind });
  switch (message.type) {
    case "people":
      people.value = merge([], message.people.map(ours), []);
      break;
    case "presence":
      people.value = merge(people.peek() ?? [], message.here.map(ours), message.gone);
      break;
    case "talk":
      hear(message.lines.map((line) => ({ ...line, at: line.at + behind })));
      break;
    case "held":
      if (!takeHeld(message)) {
        outbox.held(message.text, message.seconds, message.why, Date.now());
      }
      break;
  }
});

/** What this person said before the connection was lost and nobody had confirmed. */
const missed = new Set<string>();

function hear(more: Line[]): void {
  const before = lines.peek() ?? [];
  const after = append(before, more);
  lines.value = after;
  const known = new Set(before);
  for (const line of after) {
    if (known.has(line) || line.what !== "said" || line.person.id !== me.peek()?.id) continue;
    if (joined.peek()) outbox.heard(Date.now());
    else missed.add(line.text);
  }
}

effect(() => {
  if (!link.value.open) outbox.lost();
});
effect(() => {
  if (!joined.value) return;
  outbox.back(missed, Date.now());
  missed.clear();
});
effect(() => outbox.tick(tick.value));
