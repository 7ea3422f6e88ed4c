// What the page asks the gallery for over HTTP.

import { readEntry, type Entry } from "../log/entry";
import { query, type Filter } from "../photos/filter/filter";
import type { Address, Invitation } from "../invite/ways";
import { each, isNumber, isObject, isText } from "./json";
import type { Limits } from "../photos/uploads/smaller";
import { readDay, readPhoto, type Day, type Photo } from "../photos/photo";
import { words } from "../words/language";

/** The gallery refused; `status` 0 if it did not answer. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** A word for programs, such as `disk-full`. */
    readonly code = "",
    /** After so many seconds it may be asked again; 0 if the gallery does not say. */
    readonly seconds = 0,
  ) {
    super(message);
  }
}

/** Whoever is told that a login is needed for what this page asked. */
export const turnedAway = new Set<() => void>();

export interface Sources {
  cameras: { camera: string; name: string; count: number }[];
  people: { id: string; name: string; count: number }[];
}

export interface Listed {
  photos: Photo[];
  /** Where the next ones begin; null after the last. */
  next: string | null;
}

/** Photos per request. */
const PAGE = 500;

/** Newest first. */
export async function listPhotos(
  asked: Record<string, string>,
  signal?: AbortSignal,
): Promise<Listed> {
  const response = await ask(`api/photos?${new URLSearchParams({ limit: `${PAGE}`, ...asked })}`, {
    ...(signal ? { signal } : {}),
  });
  const next = /<[^>]*[?&]before=([^&>]+)[^>]*>;\s*rel="?next"?/.exec(
    response.headers.get("Link") ?? "",
  );
  return {
    photos: each(listOf(await response.json()), readPhoto),
    next: next?.[1] === undefined ? null : decodeURIComponent(next[1]),
  };
}

/** The days that have photos, newest first, in this machine's time zone. */
export async function listDays(filter: Filter, signal?: AbortSignal): Promise<Day[]> {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const asked = new URLSearchParams({ zone, ...query(filter) });
  const response = await ask(`api/photos/days?${asked}`, signal ? { signal } : {});
  return each(listOf(await response.json()), readDay);
}

/** Whether the filter means this photo. */
export async function hasPhoto(filter: Filter, { id, taken }: Photo): Promise<boolean> {
  const asked = { ...query(filter), from: `${taken}`, to: `${taken + 1}` };
  let next: string | null = null;
  do {
    const page = await listPhotos(next === null ? asked : { ...asked, before: next });
    if (page.photos.some((photo) => photo.id === id)) return true;
    next = page.next;
  } while (next !== null);
  return false;
}

/** What has a word: `parts` are of its text, and each other one, from the second on, is a hit. */
export interface Found {
  kind: "caption" | "camera" | "person";
  /** The caption, the camera, or the person's id. */
  value: string;
  parts: string[];
  count: number;
}

/** What has the filter's word, captions first. */
export async function findWord(filter: Filter, signal: AbortSignal): Promise<Found[]> {
  const asked = new URLSearchParams(query(filter));
  const raw: unknown = await (await ask(`api/photos/found?${asked}`, { signal })).json();
  const { captions, cameras, people } = isObject(raw) ? raw : {};
  const of = (list: unknown, kind: Found["kind"], key: string): Found[] =>
    each(listOf(list), (raw) => {
      if (!isObject(raw) || !isText(raw[key]) || !isNumber(raw.count)) return null;
      const parts = listOf(raw.parts).map((part) => (typeof part === "string" ? part : ""));
      return { kind, value: raw[key], parts, count: raw.count };
    });
  return [
    ...of(captions, "caption", "caption"),
    ...of(cameras, "camera", "camera"),
    ...of(people, "person", "id"),
  ];
}

/** How far a ZIP has come, of which the page made the token; null before it begins. */
export interface ZipProgress {
  name: string;
  state: "sending" | "done" | "failed" | "cancelled";
  bytes: { sent: number; of: number };
  photos: { sent: number; of: number };
}

export async function zipProgress(token: string): Promise<ZipProgress | null> {
  let raw: unknown;
  try {
    raw = await (await ask(`api/photos.zip/${token}`)).json();
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
  const part = (raw: unknown): { sent: number; of: number } | null =>
    isObject(raw) && isNumber(raw.sent) && isNumber(raw.of) ? { sent: raw.sent, of: raw.of } : null;
  const { name, state } = isObject(raw) ? raw : {};
  const [bytes, photos] = isObject(raw) ? [part(raw.bytes), part(raw.photos)] : [];
  const known = ["sending", "done", "failed", "cancelled"] as const;
  const is = known.find((word) => word === state);
  if (!isText(name) || !is || !bytes || !photos) throw new Refusal(0, "");
  return { name, state: is, bytes, photos };
}

export async function cancelZip(token: string): Promise<void> {
  await send("DELETE", `api/photos.zip/${token}`);
}

export async function sources(): Promise<Sources> {
  const raw: unknown = await (await ask("api/photos/sources")).json();
  const { cameras, people } = isObject(raw) ? raw : {};
  const count = (value: unknown): number => (isNumber(value) ? value : 0);
  return {
    cameras: each(listOf(cameras), (raw) =>
      isObject(raw) && isText(raw.camera)
        ? {
            camera: raw.camera,
            name: isText(raw.name) ? raw.name : raw.camera,
            count: count(raw.count),
          }
        : null,
    ),
    people: each(listOf(people), (raw) =>
      isObject(raw) && isText(raw.id)
        ? { id: raw.id, name: isText(raw.name) ? raw.name : raw.id, count: count(raw.count) }
        : null,
    ),
  };
}

export interface Detailed {
  photo: Photo;
  /** What the camera wrote into the file, by its EXIF names. */
  exif: Record<string, string>;
}

export async function onePhoto(id: string, signal?: AbortSignal): Promise<Detailed> {
  const raw: unknown = await (await ask(`api/photos/${id}`, signal ? { signal } : {})).json();
  const given = isObject(raw) && isObject(raw.exif) ? raw.exif : {};
  const exif = Object.entries(given).filter((pair): pair is [string, string] => isText(pair[1]));
  return { photo: understood(raw), exif: Object.fromEntries(exif) };
}

/** What people can change of a photo. */
export interface Changes {
  caption?: string;
  pinned?: boolean;
}

export async function changePhoto(id: string, change: Changes): Promise<Photo> {
  return understood(await (await send("PATCH", `api/photos/${id}`, change)).json());
}

export async function deletePhoto(id: string): Promise<void> {
  await send("DELETE", `api/photos/${id}`);
}

export async function restorePhoto(id: string): Promise<Photo> {
  return understood(await (await send("POST", `api/photos/${id}/restore`)).json());
}

/** What is done to many photos. */
export type Edit = "delete" | "restore" | { change: Changes };

export interface Edited {
  /** As they are now, but for those that were deleted. */
  photos: Photo[];
  /** These stayed as they were, with the status that each alone would have had. */
  refused: { id: string; status: number; error: string }[];
}

/** The same for at most 256 photos. */
export async function editPhotos(ids: readonly string[], edit: Edit): Promise<Edited> {
  const raw: unknown = await (await send("POST", "api/photos/edits", { ids, edit })).json();
  const { photos, refused } = isObject(raw) ? raw : {};
  return {
    photos: each(listOf(photos), readPhoto),
    refused: each(listOf(refused), (raw) =>
      isObject(raw) && isText(raw.id) && isNumber(raw.status)
        ? { id: raw.id, status: raw.status, error: told(raw) }
        : null,
    ),
  };
}

/** Lines of the log that are older than one, newest first. Times by the gallery's clock. */
export async function listLog(before: number): Promise<Entry[]> {
  return each(listOf(await (await ask(`api/log?limit=200&before=${before}`)).json()), readEntry);
}

/** By which addresses others come in. */
export async function askInvitation(): Promise<Invitation> {
  const raw: unknown = await (await ask("api/addresses")).json();
  const { closed, elsewhere, addresses } = isObject(raw) ? raw : {};
  return {
    closed: closed === true,
    elsewhere: elsewhere === true,
    addresses: each(listOf(addresses), (raw): Address | null => {
      if (!isObject(raw) || !isText(raw.url) || !/^https?:/.test(raw.url)) return null;
      if (!URL.canParse(raw.url)) return null;
      const address = { url: raw.url, warns: raw.warns === true };
      return isText(raw.interface) ? { ...address, interface: raw.interface } : address;
    }),
  };
}

/** Asks a camera for a photo with this id; resolves when it is stored. */
export async function takePhoto(camera: string, id: string): Promise<Photo> {
  return understood(await (await send("POST", `api/cameras/${camera}/snap`, { id })).json());
}

/** Gives a camera another title; an empty one takes it away. */
export async function setTitle(camera: string, title: string): Promise<void> {
  await send("PUT", `api/cameras/${camera}/title`, { title });
}

/** Gives a node another title. */
export async function setNodeTitle(node: string, title: string): Promise<void> {
  await send("PUT", `api/nodes/${node}/title`, { title });
}

/** Forgets a camera that will not come back. */
export async function forgetCamera(camera: string): Promise<void> {
  await send("DELETE", `api/cameras/${camera}`);
}

/** Forgets a node that will not come back, with all its cameras. */
export async function forgetNode(node: string): Promise<void> {
  await send("DELETE", `api/nodes/${node}`);
}

/** How large an uploaded picture may be. */
export async function uploadLimits(signal: AbortSignal): Promise<Limits> {
  const raw: unknown = await (await ask("upload", { signal })).json();
  const { bytes, pixels } = isObject(raw) ? raw : {};
  if (!isNumber(bytes) || !isNumber(pixels)) throw new Refusal(0, "");
  return { bytes, pixels };
}

/** Where a photo's file, or its small picture, is. */
export function fileUrl(id: string, what: "" | "/thumb" | "?download" = ""): string {
  return new URL(`photos/${id}${what}`, document.baseURI).href;
}

export function send(method: string, path: string, body?: unknown): Promise<Response> {
  const json = { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return ask(path, { method, ...(body === undefined ? {} : json) });
}

export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refusal(0, "");
  }
  if (response.ok) return response;
  const seconds = Number(response.headers.get("Retry-After") ?? 0) || 0;
  throw refusal(response.status, await response.text().catch(() => ""), seconds);
}

/** What the gallery says in `{"code","error","hint"}`. */
export function refusal(status: number, body: string, seconds = 0): Refusal {
  const refused = read(status, body, seconds);
  if (refused.code === "login-needed") for (const listener of turnedAway) listener();
  return refused;
}

function read(status: number, body: string, seconds: number): Refusal {
  try {
    const raw: unknown = JSON.parse(body);
    if (!isObject(raw)) return new Refusal(status, "");
    return new Refusal(status, told(raw), isText(raw.code) ? raw.code : "", seconds);
  } catch {
    return new Refusal(status, "", "", seconds);
  }
}

/** In the reader's language, or, what this page does not know, as the gallery says it in English. */
function told({ code, error }: Record<string, unknown>): string {
  const known: Readonly<Record<string, string>> = words.peek().problems;
  if (isText(code) && Object.hasOwn(known, code)) return known[code]!;
  return isText(error) ? error : "";
}

function understood(raw: unknown): Photo {
  const photo = readPhoto(raw);
  if (!photo) throw new Refusal(0, "");
  return photo;
}

export function listOf(raw: unknown): unknown[] {
  return Array.isArray(raw) ? raw : [];
}
