// Where the page is. `#/camera/<node>/<camera>` is a camera shown large, `#/photos` the photos,
// `#/people` the people, `#/people/log` what happens, `#/house` who may come, `#/house/log` what
// happens, `#/me` one's own login, `#/login` the door, `#/setup` the first login of all,
// `#/photo/<id>` a photo over what was there before; all else is the wall.

import { computed, signal } from "@preact/signals";
import { readFilter, writeFilter, type Filter } from "../photos/filter/filter";
import { PHOTO_ID } from "../photos/photo";

/** What others can be invited to. */
export type Room = "wall" | "photos" | "people";

export type Here = Room | "house" | "me" | "login" | "setup";

interface Place {
  room: Here;
  camera: string | null;
  /** The log is shown in place of the talk. */
  log: boolean;
  filter: Filter;
  photo: string | null;
}

/** What the history keeps: the place below a photo or behind the door, and whether Back leads to
 * the wall. */
interface Kept {
  fromWall?: boolean;
  below?: string;
}

/**
 * The token of the one-time address, `/setup#<token>`; null if this page did not come by it. It is
 * out of the address bar and the history before anything else happens.
 */
export const setupToken = takeToken();

const place = signal<Place>(read());

export const room = computed(() => place.value.room);

/** The camera shown large; null on the wall. */
export const enlarged = computed(() => place.value.camera);

/** Whether the log is shown in place of the talk. */
export const logged = computed(() => place.value.log);

/** The photo in the viewer; null when it is closed. */
export const viewed = computed(() => place.value.photo);

const search = computed(() => writeFilter(place.value.filter));

/** Which photos are shown. */
export const filter = computed(() => readFilter(search.value));

/** The camera shown large before, to which the focus returns. */
export let came: string | null = null;

addEventListener("popstate", follow);
addEventListener("hashchange", follow);

/** Shows a camera large. Back returns to the wall, however many cameras were shown. */
export function enlarge(camera: string): void {
  const url = `#/camera/${camera}`;
  if (enlarged.value === null) history.pushState({ fromWall: true }, "", url);
  else history.replaceState(history.state, "", url);
  follow();
}

export function toWall(): void {
  if (enlarged.value === null && room.value === "wall") return;
  if (enlarged.value !== null && kept().fromWall) history.back();
  else if (enlarged.value !== null) history.replaceState(null, "", "#/");
  else history.pushState(null, "", "#/");
  follow();
}

export function toPhotos(): void {
  if (room.value !== "photos" || viewed.value !== null) history.pushState(null, "", "#/photos");
  follow();
}

export function toPeople(): void {
  const shown = room.value === "people" && viewed.value === null && !logged.value;
  if (!shown) history.pushState(null, "", "#/people");
  follow();
}

export function toLog(): void {
  if (!logged.value || viewed.value !== null) history.pushState(null, "", "#/people/log");
  follow();
}

export function toHouse(log = false): void {
  const shown = room.value === "house" && logged.value === log && viewed.value === null;
  if (!shown) history.pushState(null, "", log ? "#/house/log" : "#/house");
  follow();
}

export function toMe(): void {
  if (room.value !== "me" || viewed.value !== null) history.pushState(null, "", "#/me");
  follow();
}

/** Shows the door to somebody who is in. Back leads in again. */
export function toLogin(): void {
  if (room.value === "login") return;
  history.pushState({ below: location.hash || "#/" }, "", "#/login");
  follow();
}

/** Leaves the door, for where one came from. */
export function fromLogin(): void {
  if (room.value !== "login") return;
  history.replaceState(null, "", kept().below ?? "#/");
  follow();
}

/** Shows other photos. Back undoes each choice, but for one that is replaced. */
export function choosePhotos(chosen: Filter, replace = false): void {
  const url = `#/photos${writeFilter(chosen)}`;
  if (replace) history.replaceState(history.state, "", url);
  else history.pushState(null, "", url);
  follow();
}

/** Shows a photo. Back closes the viewer, however many photos were shown. */
export function view(id: string): void {
  const url = `#/photo/${id}${room.value === "photos" ? search.value : ""}`;
  if (viewed.value === null) history.pushState({ below: location.hash || "#/" }, "", url);
  else history.replaceState(history.state, "", url);
  follow();
}

export function closeViewer(): void {
  if (viewed.value === null) return;
  if (kept().below !== undefined) history.back();
  else history.replaceState(null, "", `#/photos${search.value}`);
  follow();
}

function follow(): void {
  const now = read();
  if (now.camera !== place.peek().camera) came = place.peek().camera;
  place.value = now;
}

function kept(): Kept {
  return (history.state as Kept | null) ?? {};
}

function read(): Place {
  const [path = "", search = ""] = location.hash.split("?", 2);
  const photo = /^#\/photo\/(\w+)$/.exec(path)?.[1];
  if (photo === undefined || !PHOTO_ID.test(photo)) return { ...base(path, search), photo: null };
  const [below = "#/photos", more = search] = kept().below?.split("?", 2) ?? [];
  return { ...base(below, more), photo };
}

function base(path: string, search: string): Omit<Place, "photo"> {
  const camera = /^#\/camera\/([a-z0-9_-]+\/[a-z0-9_-]+)$/.exec(path)?.[1] ?? null;
  const [, name = "", more] = /^#\/(photos|people|house|me|login|setup)(\/log)?$/.exec(path) ?? [];
  const log = more !== undefined && (name === "people" || name === "house");
  const isRoom = name !== "" && (more === undefined || log);
  const room = isRoom ? (name as Here) : "wall";
  return { room, camera, log, filter: readFilter(room === "photos" ? search : "") };
}

function takeToken(): string | null {
  if (!/\/setup\/?$/.test(location.pathname)) return null;
  const token = location.hash.slice(1);
  const root = location.pathname.replace(/setup\/?$/, "");
  history.replaceState(null, "", `${root}#/setup`);
  return token === "" ? null : token;
}
