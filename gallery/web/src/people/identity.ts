// Who this browser is. The gallery gives a public id and a key that proves it; the browser keeps
// both, and the name, and joins with them again whenever the connection is back.

import { computed, effect, signal } from "@preact/signals";
import { link, peopleListeners, say } from "../net/gallery";
import { caller } from "../net/me";
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

/** The gallery knows on this connection who this is. */
export const joined = signal(false);

/** What to do once there is a name; null while no name is asked for. */
export const asking = signal<(() => void) | null>(null);

/** That action also works without a name. */
export const needless = signal(false);

/** Why the name was refused: ask again at this time, or never (null). */
export const nameHeld = signal<{ until: number | null; why: string } | null>(null);

/** What whoever is logged in does as soon as the gallery knows the name. */
let onceNamed: (() => void)[] = [];

let wanted: string | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;

/** The name that this browser had last, else that of the login. */
export const lastName = computed(() => me.value?.name ?? read()?.name ?? caller.value?.name ?? "");

/** Does it now, or once this person has a name. Whoever is logged in has one. */
export function named(act: () => void): void {
  if (me.value) return act();
  if (!caller.peek()?.name) return void (asking.value = act);
  onceNamed.push(act);
  join(lastName.peek());
}

/** Joins, or changes the name. */
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

/** Another person uses this browser from now on. */
export function forgetMe(): void {
  keep("me", "");
  clearTimeout(retry);
  wanted = null;
  onceNamed = [];
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
    for (const act of onceNamed.splice(0)) act();
  } else if (message.type === "people" || message.type === "presence") {
    // Another tab of this browser may have changed the name.
    const all = message.type === "people" ? message.people : message.here;
    const known = me.peek();
    const mine = all.find(({ id }) => id === known?.id);
    if (known && mine && mine.name !== known.name) me.value = { ...known, name: mine.name };
  }
});

/** Handles `held` if it is about the requested name and not about a message. */
export function takeHeld({ text, seconds, why }: ToPage & { type: "held" }): boolean {
  if (wanted === null || text !== wanted) return false;
  if (seconds !== undefined) retry = setTimeout(() => join(text), seconds * 1_000);
  else {
    wanted = null;
    const [act] = onceNamed.splice(0);
    if (act) asking.value = act;
  }
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
  // A name given while there was no connection still has to be sent.
  if (wanted !== null) join(wanted);
  else if (known && !known.away) join(known.name);
});

interface Stored extends Identity {
  away?: true;
}

function write(stored: Stored): void {
  keep("me", JSON.stringify(stored));
}

/** Read each time, because other tabs write it too. */
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
