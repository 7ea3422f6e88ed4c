// Who this browser is. The gallery gives a public id and a key that proves it; the browser keeps
// both, and the name, and joins with them again whenever the connection is back.

import { computed, effect, signal } from "@preact/signals";
import { link, peopleListeners, say } from "../net/gallery";
import { isObject, isText } from "../net/json";
import { keep, kept } from "../page/storage";
import type { ToPage } from "../net/messages";
import { isPerson } from "./wire";

export interface Identity {
  id: string;
  key: string;
  name: string;
}

/** Who this page has joined as; null before, and after leaving. It outlives a lost connection. */
export const me = signal<Identity | null>(null);

/** The gallery knows by this connection who this is. */
export const joined = signal(false);

/** What is to be done when there is a name; null while nobody is asked for one. */
export const asking = signal<(() => void) | null>(null);

/** What is to be done goes on without a name too. */
export const needless = signal(false);

/** Why the name that was asked for is not given: again at this time, or never (null). */
export const nameHeld = signal<{ until: number | null; why: string } | null>(null);

let wanted: string | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;

/** The name that this browser had last. */
export const lastName = computed(() => me.value?.name ?? read()?.name ?? "");

/** Does it now, or when others know what to call this person. */
export function named(act: () => void): void {
  if (me.value) act();
  else asking.value = act;
}

/** Joins, or is called otherwise from now on. */
export function join(name: string): void {
  clearTimeout(retry);
  wanted = name;
  nameHeld.value = null;
  const known = read();
  say({ type: "join", name, ...(known ? { id: known.id, key: known.key } : {}) });
}

export function depart(): void {
  say({ type: "leave" });
  const known = me.peek();
  if (known) write({ ...known, away: true });
  me.value = null;
  joined.value = false;
}

/** For requests by HTTP. */
export function authorization(): string | null {
  const known = joined.peek() ? me.peek() : null;
  return known && `Bearer ${known.id}.${known.key}`;
}

peopleListeners.add((message) => {
  if (message.type === "you") {
    const { id, key, name } = message;
    wanted = null;
    nameHeld.value = null;
    me.value = { id, key, name };
    joined.value = true;
    write({ id, key, name });
    const act = asking.peek();
    asking.value = null;
    act?.();
  } else if (message.type === "people" || message.type === "presence") {
    // Another tab of this browser may have changed the name.
    const all = message.type === "people" ? message.people : message.here;
    const known = me.peek();
    const mine = all.find(({ id }) => id === known?.id);
    if (known && mine && mine.name !== known.name) me.value = { ...known, name: mine.name };
  }
});

/** Takes what is held back if it is the name asked for, which nobody said. */
export function takeHeld({ text, seconds, why }: ToPage & { type: "held" }): boolean {
  if (wanted === null || text !== wanted) return false;
  if (seconds !== undefined) retry = setTimeout(() => join(text), seconds * 1_000);
  else wanted = null;
  nameHeld.value = { until: seconds === undefined ? null : Date.now() + seconds * 1_000, why };
  return true;
}

effect(() => {
  if (!link.value.open) {
    joined.value = false;
    clearTimeout(retry);
    return;
  }
  const known = read();
  // Who gave a name while there was no connection has it yet to be heard.
  if (wanted !== null) join(wanted);
  else if (known && !known.away) join(known.name);
});

interface Stored extends Identity {
  away?: true;
}

function write(stored: Stored): void {
  keep("me", JSON.stringify(stored));
}

/** Read anew each time, since other tabs write it too. */
function read(): Stored | null {
  try {
    const raw: unknown = JSON.parse(kept("me") ?? "");
    if (!isObject(raw) || !isPerson(raw.id) || !isText(raw.key) || !isText(raw.name)) return null;
    const { id, key, name } = raw;
    return raw.away === true ? { id, key, name, away: true } : { id, key, name };
  } catch {
    return null;
  }
}
