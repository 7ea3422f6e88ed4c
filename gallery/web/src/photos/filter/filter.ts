// Which photos to show, as in the URL and in requests.

import type { Photo } from "../photo";

export interface Filter {
  /** `node/camera`. */
  camera?: string;
  /** The public id of a person. */
  person?: string;
  /** A day, `2026-11-20`, or a month, `2026-11`. */
  day?: string;
  /** Words in captions, and in the names of cameras and people. */
  word?: string;
}

/** The longest text that the gallery looks for, in characters. */
export const WORD = 500;

const NAME = /^[a-z0-9_-]{1,32}$/;
const DAY = /^(\d{4})-(\d\d)(?:-(\d\d))?$/;

/** Reads the query of a URL; ignores what is no filter. */
export function readFilter(search: string): Filter {
  const said = new URLSearchParams(search);
  const filter: Filter = {};
  const camera = said.get("camera");
  const person = said.get("person");
  const day = said.get("day");
  const word = said.get("word")?.trim().replace(/\s+/g, " ");
  if (camera && /^[a-z0-9_-]{1,32}\/[a-z0-9_-]{1,32}$/.test(camera)) filter.camera = camera;
  if (person && NAME.test(person)) filter.person = person;
  if (day && spanOf(day)) filter.day = day;
  if (word && [...word].length <= WORD) filter.word = word;
  return filter;
}

/** `?camera=…&day=…`, or nothing; for a URL that people read. */
export function writeFilter({ camera, person, day, word }: Filter): string {
  const parts: string[] = [];
  if (camera) parts.push(`camera=${camera}`);
  if (person) parts.push(`person=${person}`);
  if (day) parts.push(`day=${day}`);
  if (word) parts.push(`word=${encodeURIComponent(word)}`);
  return parts.length > 0 ? `?${parts.join("&")}` : "";
}

export interface Span {
  /** In milliseconds since 1970: from this one on, until before that one. */
  from: number;
  to: number;
}

/** From the beginning of a day or month to that of the next, by this machine's clock and zone. */
export function spanOf(day: string): Span | null {
  const [, year, month, date] = DAY.exec(day) ?? [];
  if (!year || !month) return null;
  const [y, m, d] = [Number(year), Number(month) - 1, Number(date ?? 1)];
  const from = new Date(y, m, d);
  if (from.getMonth() !== m || from.getDate() !== d) return null;
  const to = date ? new Date(y, m, d + 1) : new Date(y, m + 1, 1);
  return { from: from.getTime(), to: to.getTime() };
}

/** What to ask the gallery for. */
export function query({ camera, person, day, word }: Filter): Record<string, string> {
  const span = day ? spanOf(day) : null;
  return {
    ...(camera ? { camera } : {}),
    ...(person ? { person } : {}),
    ...(span ? { from: `${span.from}`, to: `${span.to}` } : {}),
    ...(word ? { word } : {}),
  };
}

/** Whether it is one of these, but for the word: only the gallery looks for that. */
export function matches({ camera, person, day }: Filter, photo: Photo): boolean {
  if (camera && photo.camera !== camera) return false;
  if (person && photo.person?.id !== person) return false;
  const span = day ? spanOf(day) : null;
  return !span || (photo.taken >= span.from && photo.taken < span.to);
}

export function sameFilter(a: Filter, b: Filter): boolean {
  return writeFilter(a) === writeFilter(b);
}
