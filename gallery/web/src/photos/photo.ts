// Photos and what happens to them, as wire/src/facts/photo.rs has them.

import { isNumber, isObject, isText } from "../net/json";

export interface Photo {
  /** A ULID. */
  id: string;
  /** When it was taken, in milliseconds since 1970. */
  taken: number;
  /** Where that time comes from: a word for programs, such as `camera` or `exif`. */
  time: string;
  /** When it was stored, in milliseconds since 1970. */
  received: number;
  /** The media type. */
  type: string;
  /** The size of the file. */
  bytes: number;
  /** In pixels, as it is shown. */
  width: number;
  height: number;
  /** The SHA-256 of the file in hex. */
  hash: string;
  /** `node/camera` of the camera that took it, and what people called it then. */
  camera?: string;
  camera_name?: string;
  /** The person who took or uploaded it. */
  person?: { id: string; name: string };
  /** The name of the uploaded file. */
  name?: string;
  caption?: string;
  pinned?: boolean;
}

export type PhotoEvent =
  /** `back`: it was deleted before. */
  | { event: "stored"; photo: Photo; back?: true }
  /** `what` changed, if known. */
  | { event: "changed"; photo: Photo; what?: Mark[] }
  /** `photo` is its last state, if known. */
  | { event: "deleted"; id: string; photo?: Photo };

/** What people can change of a photo. */
export type Mark = "caption" | "pin";

/** What changed; null if the gallery does not say. */
export function readMarks(raw: unknown): Mark[] {
  const isMark = (mark: unknown): mark is Mark => mark === "caption" || mark === "pin";
  return Array.isArray(raw) ? raw.filter(isMark) : [];
}

/** A day of photos, in the time zone that was asked for. */
export interface Day {
  /** `2026-11-20`. */
  day: string;
  /** From this time on, and until before that one, in milliseconds since 1970. */
  start: number;
  end: number;
  count: number;
  /** How many it has with and without the word that is looked for. */
  of?: number;
  /** The sum of width / height of its photos. */
  aspect: number;
  /** How many cameras took them. */
  cameras: number;
}

export const PHOTO_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export function readEvent(raw: Record<string, unknown>): PhotoEvent | null {
  const { event, id, back } = raw;
  const photo = readPhoto(raw.photo);
  if (event === "deleted" && isId(id)) return photo ? { event, id, photo } : { event, id };
  if (!photo) return null;
  if (event === "stored") return back === true ? { event, photo, back } : { event, photo };
  const what = readMarks(raw.what);
  if (event === "changed") return what.length > 0 ? { event, photo, what } : { event, photo };
  return null;
}

export function readPhoto(raw: unknown): Photo | null {
  if (!isObject(raw)) return null;
  const { id, taken, received, bytes, width, height, person } = raw;
  if (!isId(id) || !isNumber(taken) || !isNumber(received) || !isNumber(bytes)) return null;
  if (!isNumber(width) || !isNumber(height) || width <= 0 || height <= 0) return null;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const read: Photo = {
    id,
    taken,
    time: text(raw.time),
    received,
    type: text(raw.type),
    bytes,
    width,
    height,
    hash: text(raw.hash),
  };
  for (const key of ["camera", "camera_name", "name", "caption"] as const) {
    const value = raw[key];
    if (isText(value)) read[key] = value;
  }
  if (isObject(person) && isText(person.id) && isText(person.name)) {
    read.person = { id: person.id, name: person.name };
  }
  if (raw.pinned === true) read.pinned = true;
  return read;
}

export function readDay(raw: unknown): Day | null {
  if (!isObject(raw)) return null;
  const { day, start, end, count, of, aspect, cameras } = raw;
  if (!isText(day) || !isNumber(start) || !isNumber(end) || !isNumber(count)) return null;
  if (!isNumber(aspect) || end <= start || count < 1) return null;
  const read = { day, start, end, count, aspect, cameras: isNumber(cameras) ? cameras : 0 };
  return isNumber(of) && of >= count ? { ...read, of } : read;
}

export function isId(value: unknown): value is string {
  return typeof value === "string" && PHOTO_ID.test(value);
}

const BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new id: the ULID of this time and 80 random bits (https://github.com/ulid/spec). */
export function newId(now: number, random: Uint8Array): string {
  let id = "";
  for (let rest = now, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) {
    id = BASE32.charAt(rest % 32) + id;
  }
  for (let i = 0; i < 16; i++) id += BASE32.charAt((random[i] ?? 0) % 32);
  return id;
}
