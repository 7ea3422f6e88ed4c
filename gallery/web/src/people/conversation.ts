// Who is here and what people say, as the page knows it.

import { batch, computed, effect, signal } from "@preact/signals";
import { link, peopleListeners, say as post } from "../net/gallery";
import { append, withWords, type Told } from "./talk/lines";
import { joined, lastName, me, takeHeld } from "./identity";
import { Outbox } from "./talk/outbox";
import { Shelf } from "./talk/shelf";
import type { Line, Present } from "./wire";
import { merge } from "./presence";
import { newId } from "../photos/photo";
import { storage } from "../page/storage";

/** In the order in which they came; null before they are known. Times by our clock. */
export const people = signal<readonly Present[] | null>(null);

/** Oldest first; null before they are known. Times by our clock. */
export const lines = signal<readonly Line[] | null>(null);

/** The storage key of this gallery: one host may have several, below paths of their own. */
const prefix = `vitrina.unsaid.${new URL(".", document.baseURI).pathname}#`;

export const outbox = new Outbox(
  ({ id, text }) => {
    if (!joined.peek()) return false;
    post({ type: "say", text, id });
    return true;
  },
  new Shelf(storage(), prefix),
  random(),
);

/** The talk, with this browser's own messages that have not come back yet. */
export const talk = computed<readonly Told[]>(() =>
  withWords(lines.value ?? [], outbox.words.value, {
    id: me.value?.id ?? "",
    name: lastName.value,
  }),
);

/** Nobody has said anything, as far as is known. */
export const isSilent = computed(
  () => lines.value !== null && !talk.value.some(({ what }) => what === "said"),
);

/** Sends a message, unless too many wait. */
export function speak(text: string): boolean {
  return outbox.say(random(), text, Date.now());
}

function random(): string {
  return newId(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
}

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
    case "said":
      hear(ownLine(message.id));
      break;
    case "held":
      if (message.id === undefined) takeHeld(message);
      else outbox.held(message.id, message.seconds, message.why, Date.now());
      break;
  }
});

function hear(more: Line[]): void {
  batch(() => {
    lines.value = append(lines.peek() ?? [], more);
    outbox.heard(
      more.map(({ id }) => id),
      Date.now(),
    );
  });
}

/** A message that came back so long ago that its line does not come any more. */
function ownLine(id: string): Line[] {
  const word = outbox.words.peek().find((word) => word.id === id);
  const person = { id: me.peek()?.id ?? "", name: lastName.peek() };
  return word ? [{ id, at: word.at, person, what: "said", text: word.text }] : [];
}

/** How often to check whether a message may go: the timers of hidden pages are slower. */
const EVERY = 1_000;

effect(() => {
  if (!link.value.open) outbox.lost();
});
effect(() => {
  if (joined.value) outbox.tick(Date.now());
});
let was = me.peek();
effect(() => {
  const is = me.value;
  if (was && !is) outbox.leave(Date.now());
  was = is;
});
setInterval(() => outbox.tick(Date.now()), EVERY);
// Messages that another tab sends or receives.
addEventListener("storage", (event) => {
  if (event.key === null || event.key.startsWith(prefix)) outbox.tick(Date.now());
});
