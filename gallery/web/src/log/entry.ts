// The lines of the gallery's log, as wire/src/log.rs has them.

import { loginFacts, loginText, readLoginEvent, type LoginEvent } from "./login-event";
import { isNumber, isObject, isText } from "../net/json";
import { isPerson } from "../people/wire";
import { isId, readMarks, type Mark } from "../photos/photo";
import { momentName } from "../words/dates";
import type { Words } from "../words/words";
import type { Group } from "./groups";

/** A line of the log. A later one has a greater id. */
export type Entry = {
  id: number;
  /** When, in milliseconds since 1970 by the gallery's clock. */
  at: number;
} & Event;

/** What a line says of a photo: its id, who took or uploaded it, or the camera's name, and the time
 * taken, if known. */
export interface Picture {
  photo: string;
  person: string;
  name: string;
  taken: number | null;
}

export type Event =
  | { event: "node"; node: string; online: boolean }
  | { event: "gallery"; gallery: string; online: boolean }
  | {
      event: "camera";
      camera: string;
      name: string;
      works: boolean;
      reason: string;
      /** The reason as a sentence, in English. */
      detail: string;
    }
  | { event: "forgotten"; name: string }
  /** `back`: it was deleted before. */
  | ({ event: "stored"; back: boolean } & Picture)
  /** `what` changed; null if the line does not say. */
  | ({ event: "changed"; what: Mark[]; caption: string; pinned: boolean } & Picture)
  | ({ event: "deleted" } & Picture)
  | { event: "joined"; person: string }
  | { event: "left"; person: string; lost: boolean }
  | { event: "renamed"; person: string; before: string }
  | { event: "snap"; camera: string }
  | { event: "set"; camera: string; control: string; value: string }
  /** The title is empty if it was taken away. */
  | { event: "titled"; node: string; title: string }
  | { event: "ask"; node: string; method: string }
  | { event: "refused"; node: string; why: string }
  | { event: "missed"; count: number }
  | LoginEvent;

const CAMERA = /^[a-z0-9_-]+\/[a-z0-9_-]+$/;

/** Null for an unknown one, such as one of a later version. */
export function readEntry(raw: unknown): Entry | null {
  if (!isObject(raw) || !isNumber(raw.id) || !isNumber(raw.at)) return null;
  const event = readEvent(raw);
  return event && { id: raw.id, at: raw.at, ...event };
}

function readEvent(raw: Record<string, unknown>): Event | null {
  const { event, count } = raw;
  const node = text(raw.node);
  const gallery = text(raw.gallery);
  const taken = isNumber(raw.taken) ? raw.taken : null;
  const camera = CAMERA.test(text(raw.camera)) ? text(raw.camera) : "";
  const person = nameOf(raw.person);
  const name = text(raw.name);
  const picture = isId(raw.photo) ? { photo: raw.photo, person, name, taken } : null;
  switch (event) {
    case "node":
      return node ? { event, node, online: raw.online === true } : null;
    case "gallery":
      return gallery ? { event, gallery, online: raw.online === true } : null;
    case "camera": {
      const works = raw.state === "live" || raw.state === "idle";
      const [reason, detail] = [text(raw.reason), text(raw.detail)];
      return camera ? { event, camera, name: name || camera, works, reason, detail } : null;
    }
    case "forgotten":
      return camera ? { event, name: name || camera } : null;
    case "stored":
      return picture && { event, back: raw.back === true, ...picture };
    case "changed": {
      const [what, caption] = [readMarks(raw.what), text(raw.caption)];
      return picture && { event, what, caption, pinned: raw.pinned === true, ...picture };
    }
    case "deleted":
      return picture && { event, ...picture };
    case "joined":
      return person ? { event, person } : null;
    case "left":
      return person ? { event, person, lost: raw.lost === true } : null;
    case "renamed":
      return person ? { event, person, before: text(raw.before) } : null;
    case "snap":
      return camera ? { event, camera } : null;
    case "set":
      return camera ? { event, camera, control: text(raw.control), value: text(raw.value) } : null;
    case "titled":
      return node ? { event, node, title: text(raw.title) } : null;
    case "ask":
      return node ? { event, node, method: text(raw.method) } : null;
    case "refused":
      return node ? { event, node, why: text(raw.why) } : null;
    case "missed":
      return isNumber(count) ? { event, count } : null;
    default:
      return readLoginEvent(raw);
  }
}

function text(value: unknown): string {
  return isText(value) ? value : "";
}

function nameOf(raw: unknown): string {
  return isObject(raw) && isPerson(raw.id) && isText(raw.name) ? raw.name : "";
}

/** An event as a line. `called` gives the name of a camera or node. */
export function entryText(event: Event, called: (what: string) => string, words: Words): string {
  const { log, talk } = words;
  switch (event.event) {
    case "node":
      return event.online ? log.online(called(event.node)) : log.offline(called(event.node));
    case "gallery":
      return event.online ? log.galleryOnline(event.gallery) : log.galleryOffline(event.gallery);
    case "camera":
      return cameraText(event, words);
    case "forgotten":
      return log.forgotten(event.name);
    case "stored":
      if (event.back) return log.back(pictureName(event, words));
      if (event.person) return log.photoBy(event.person);
      return event.name ? log.photoFrom(event.name) : log.photo;
    case "changed":
      return changedText(event, words);
    case "deleted":
      return log.deleted(pictureName(event, words));
    case "joined":
      return talk.joined(event.person);
    case "left":
      return event.lost ? talk.leftLost(event.person) : talk.left(event.person);
    case "renamed":
      return talk.renamed(event.before, event.person);
    case "snap":
      return log.snap(called(event.camera));
    case "set":
      if (event.control === "title") return titleText(event.camera, event.value, words);
      return log.set(called(event.camera), event.control, event.value);
    case "titled":
      return titleText(event.node, event.title, words);
    case "ask":
      return log.ask(called(event.node), event.method);
    case "refused":
      return log.refused(called(event.node), event.why);
    case "missed":
      return log.missed(event.count);
    default:
      return loginText(event, words);
  }
}

/** What stands below the line; empty if nothing does. */
export function entryFacts(event: Event, words: Words): string {
  switch (event.event) {
    case "login":
    case "logout":
    case "denied":
    case "user":
      return loginFacts(event, words);
    default:
      return "";
  }
}

/** By its address: the name is what changes. */
function titleText(what: string, title: string, { log }: Words): string {
  return title ? log.titled(what, title) : log.untitled(what);
}

/** Which photo: by whom or from where, and when. */
function pictureName({ person, name, taken }: Picture, words: Words): string {
  const { log, talk } = words;
  // Lines of earlier versions do not say.
  if (taken === null) return log.aPhoto;
  const when = momentName(taken, Date.now(), words);
  if (person) return talk.photoBy(person, when);
  return name ? talk.photoFrom(name, when) : talk.photo(when);
}

function changedText(event: Event & { event: "changed" }, words: Words): string {
  const { log } = words;
  const { what, caption, pinned } = event;
  const changes = what.map((mark) => {
    if (mark === "pin") return pinned ? log.pinned : log.unpinned;
    return caption ? log.captioned(caption) : log.uncaptioned;
  });
  return log.photoIs(pictureName(event, words), changes.join(", ") || log.changed);
}

/** Several of one kind as one line. */
export function groupText(
  [first, ...rest]: Group,
  called: (what: string) => string,
  words: Words,
): string {
  const { log } = words;
  const line = entryText(first, called, words);
  if (rest.length === 0) return line;
  const all = [first, ...rest];
  const n = all.length;
  switch (first.event) {
    case "stored":
      if (first.back) return log.backs(n);
      if (first.person) return log.photosBy(n, first.person);
      return first.name ? log.photosFrom(n, first.name) : log.photos(n);
    case "changed":
      return first.pinned ? log.pins(n) : log.unpins(n);
    case "deleted":
      return log.deletions(n);
    case "joined":
    case "left": {
      const names = all.map((entry) => ("person" in entry ? entry.person : "")).reverse();
      const who = [...new Set(names)];
      const more = who.length - NAMED;
      const told = who.slice(0, NAMED).join(", ");
      const everybody = more > 0 ? words.andMore(told, more) : told;
      if (who.length === 1) return log.times(line, n);
      if (first.event === "joined") return log.allJoined(everybody);
      return first.lost ? log.allLost(everybody) : log.allLeft(everybody);
    }
    case "missed":
      return log.missed(all.reduce((sum, e) => sum + (e.event === "missed" ? e.count : 0), 0));
    case "denied":
      return log.denied(all.reduce((sum, e) => sum + (e.event === "denied" ? e.count : 0), 0));
    default:
      return log.times(line, n);
  }
}

/** How many people of a crowd are named. */
const NAMED = 3;

function cameraText(event: Event & { event: "camera" }, words: Words): string {
  const { log } = words;
  const { camera, name, works, reason } = event;
  // A page's camera is named after the person who shows it.
  if (camera.startsWith("web-")) return works ? log.shows(name) : log.shownNoMore(name);
  if (works) return log.works(name);
  const why: Record<string, string> = {
    unplugged: words.unplugged,
    stalled: words.noPictures,
    broken: words.broken,
    frozen: words.frozen,
    busy: words.takenBySome,
    permission: words.notAllowed,
    "usb-bandwidth": words.busFull,
    format: words.noFormat,
    device: words.failure,
  };
  return `${name}: ${why[reason] ?? (event.detail || words.lost)}`;
}
