// People and what they say, as wire/src/facts/people.rs has them.

import { isNumber, isObject, isText } from "../net/json";
import { isId } from "../photos/photo";

/** Somebody who is here. */
export interface Present {
  /** Their public id. */
  id: string;
  name: string;
  /** Since when, in milliseconds since 1970 by the gallery's clock. */
  since: number;
  /** `node/camera` of the camera that they show. */
  camera?: string;
}

/** A line of the talk. Its id is a ULID. */
export type Line = {
  id: string;
  /** When, in milliseconds since 1970 by the gallery's clock. */
  at: number;
  person: { id: string; name: string };
} & What;

export type What =
  | { what: "joined" }
  /** `lost`: nobody said good-bye, the connection was lost. */
  | { what: "left"; lost?: true }
  | { what: "renamed"; before: string }
  | { what: "said"; text: string };

const PERSON = /^[a-z0-9_-]{1,32}$/;

export function isPerson(id: unknown): id is string {
  return typeof id === "string" && PERSON.test(id);
}

export function readPresent(raw: unknown): Present | null {
  if (!isObject(raw) || !isPerson(raw.id) || !isText(raw.name) || !isNumber(raw.since)) return null;
  const read: Present = { id: raw.id, name: raw.name, since: raw.since };
  if (isText(raw.camera)) read.camera = raw.camera;
  return read;
}

export function readLine(raw: unknown): Line | null {
  if (!isObject(raw) || !isId(raw.id) || !isNumber(raw.at) || !isObject(raw.person)) return null;
  const { id, name } = raw.person;
  const what = readWhat(raw);
  if (!isPerson(id) || !isText(name) || what === null) return null;
  return { id: raw.id, at: raw.at, person: { id, name }, ...what };
}

function readWhat(raw: Record<string, unknown>): What | null {
  const { what, lost, before, text } = raw;
  if (what === "joined") return { what };
  if (what === "left") return lost === true ? { what, lost } : { what };
  if (what === "renamed" && isText(before)) return { what, before };
  if (what === "said" && isText(text)) return { what, text };
  return null;
}
