// Who comes in: asks the gallery who this page is, opens and closes the connection accordingly, and
// brings those whose login ended to the door, and back to where they were.

import { batch, computed, effect, signal } from "@preact/signals";
import { turnedAway } from "../net/api";
import { connect, disconnect, link, meListeners, start } from "../net/gallery";
import { askMe, logIn, logOut, setUp } from "../net/logins";
import { allows, caller, turn, type Me } from "../net/me";
import { fromLogin, room, setupToken, toHouse } from "../page/route";
import { keep, kept } from "../page/storage";
import { outbox } from "../people/conversation";
import { forgetMe } from "../people/identity";
import { Asking } from "./asking";

/** Where this browser keeps who was logged in last. */
const LAST = "login";

/** How often somebody who may not look now, but may at other times, is looked up again, in ms. */
const AGAIN = 30_000;

/** The first answer is here, or none came. */
const asked = signal(false);

/** A login ended while this page was open, and what the page knows was for whoever had it. */
export const ended = signal(false);

/** Nothing before it is known who is there; then the door, or what is behind it. */
export const entrance = computed<"nothing" | "door" | "in">(() => {
  const me = caller.value;
  if (me === null) return asked.value ? "in" : "nothing";
  if (ended.value || room.value === "login") return "door";
  // Whoever has a login and may not look now is told so behind the door.
  return allows(me, "look") || me.name !== null || room.value === "setup" ? "in" : "door";
});

/** The last one who was logged in on this page. */
let known: string | null = null;

/** Asks who is there, and comes in. */
export async function enter(): Promise<void> {
  const [me] = await Promise.all([askMe().catch(() => null), start()]);
  if (me) learn(me);
  // A gallery that does not answer now says it on the connection, when it is back.
  else connect();
  asked.value = true;
}

export async function comeIn(name: string, password: string): Promise<void> {
  learn(await asking.comeIn(() => forgetting.then(() => logIn(name, password))));
  fromLogin();
}

/** The gallery ends the connections of before while it makes the first login. */
let isSettingUp = false;

export async function runHouse(name: string, password: string): Promise<void> {
  isSettingUp = true;
  try {
    learn(await asking.comeIn(() => setUp(setupToken, name, password)));
  } finally {
    isSettingUp = false;
  }
  toHouse();
}

/** Logs out here. What this page knows goes with it. */
export async function goOut(): Promise<void> {
  await logOut();
  forgetPerson();
  keep(LAST, "");
  known = null;
  history.replaceState(null, "", "#/");
  location.reload();
}

const asking = new Asking(askMe, found);

function look(): Promise<void> {
  return asking.look();
}

/** A token that is good for nothing any more, which the browser forgets. */
let forgetting: Promise<void> = Promise.resolve();

function found(me: Me): void {
  learn(me);
  // The pictures that a browser keeps are for whoever has the same cookie.
  if (ended.peek()) forgetting = logOut().catch(() => {});
}

function learn(me: Me): void {
  const change = turn(known, me);
  if (me.name !== null) {
    const last = kept(LAST);
    if (last && last !== me.name) forgetPerson();
    keep(LAST, me.name);
    known = me.name;
  }
  // What the page knows was for somebody else.
  if (change === "other") {
    fromLogin();
    location.reload();
    return;
  }
  const before = caller.peek();
  batch(() => {
    ended.value = change === "out";
    caller.value = me;
  });
  // The gallery knows a connection as that of whoever opened it.
  const isOther = before !== null && before.name !== me.name;
  if (allows(me, "look") && change !== "out") connect(isOther);
  else disconnect();
}

/** Nothing of the last person is said or done in the name of the next. */
function forgetPerson(): void {
  forgetMe();
  outbox.clear();
}

/** Nobody is known any more: the door is shut before the gallery says what a visitor may do. */
function shut(): void {
  const me = caller.peek();
  if (!me) return;
  const nobody = { setup: false, name: null, cameras: null, hours: null, administrators: [] };
  learn({ ...me, ...nobody, users: true, role: "visitor", rights: [] });
}

meListeners.add((me) => {
  if (me === null && !isSettingUp) shut();
  // What a connection of before says of somebody else is asked again.
  if (me !== null && me.name === (caller.peek()?.name ?? me.name)) learn(me);
  else void look();
});

turnedAway.add(() => void look());

// A browser does not say why a connection is refused.
effect(() => {
  const now = link.value;
  if (asked.value && !now.open && now.next !== null) void look();
});

effect(() => {
  const me = caller.value;
  if (me === null || me.name === null || allows(me, "look")) return;
  const timer = setInterval(() => void look(), AGAIN);
  return () => clearInterval(timer);
});

// The browser shows a page that it kept as it was, before any script can ask who is there now.
addEventListener("pagehide", () => {
  if (caller.peek()?.users) document.documentElement.dataset.unknown = "";
});
addEventListener("pageshow", (event) => {
  const { dataset } = document.documentElement;
  if (event.persisted && dataset.unknown !== undefined) {
    void look().then(() => delete dataset.unknown);
  }
});
