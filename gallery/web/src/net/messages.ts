// The JSON messages of the WebSocket, as wire/src/page.rs has them.

import { readEntry, type Entry } from "../log/entry";
import { each, isNumber, isObject, isText } from "./json";
import { readMe, type Me } from "./me";
import { isPerson, readLine, readPresent, type Line, type Present } from "../people/wire";
import { isId, readEvent, type PhotoEvent } from "../photos/photo";

/** `ended` stands for `off` of a camera that somebody showed from a page. */
export type CameraState = "live" | "idle" | "lost" | "off" | "error" | "ended";

export interface Camera {
  /** `node/camera`. */
  camera: string;
  /** The camera's name for people. */
  name: string;
  /** The same, where `name` had to become longer to tell it from others. */
  called?: string;
  /** What people call its node. */
  node_title?: string;
  kind: string;
  state: CameraState;
  /** Why it does not work: a word for programs. Later versions may send words not known here. */
  reason?: string;
  /** The same as a sentence, in English. */
  detail?: string;
  /** The program that has it, when it is busy. */
  by?: string;
  /** The start of this state, in milliseconds since 1970 by the gallery's clock. */
  since: number;
  format?: string;
  /** The captured size, such as `1280x720`. */
  size?: string;
  fps?: number;
  /** The longest time between two pictures of a slow camera, in seconds. */
  interval?: number;
}

export interface Notice {
  /** A word for programs, such as `broker-lost`. */
  code: string;
  /** The same as a sentence, in English. */
  text: string;
  /** With `https`: the port of this page over HTTPS. */
  port?: number;
}

export type ToPage =
  /** The first message: the build of the page that the gallery serves. */
  | { type: "hello"; page: string }
  /** Who this page is and what it may do, at first and whenever that changes. */
  | ({ type: "me" } & Me)
  | { type: "cameras"; now: number; cameras: Camera[] }
  | { type: "notice"; notices: Notice[] }
  | ({ type: "photo" } & PhotoEvent)
  /** Who this page is. The key proves it; it is kept in the browser. */
  | { type: "you"; id: string; key: string; name: string }
  /** Everybody who is here, in the order in which they came. */
  | { type: "people"; people: Present[] }
  /** Who came or changed, and who left. */
  | { type: "presence"; here: Present[]; gone: string[] }
  /** Lines of the talk, oldest first. One may come twice; its id tells. */
  | { type: "talk"; lines: Line[] }
  /** Lines of the log, oldest first: the last ones when it is followed, then what is new. */
  | { type: "log"; entries: Entry[] }
  /** The message with this id is in the talk already. */
  | { type: "said"; id: string }
  /**
   * What was said under an id, or asked for by this text, is not done: again in `seconds`, or
   * never.
   */
  | { type: "held"; text: string; id?: string; seconds?: number; why: string }
  /** The frames a second wanted of the camera that this page shows, and the number of viewers. */
  | {
      type: "wanted";
      full: number;
      half: number;
      quarter: number;
      preview: number;
      looking: number;
    }
  /** The gallery sent nothing else for a while. `now` by the gallery's clock. */
  | { type: "alive"; now: number }
  /** A frame of that camera has arrived. Two may be in transit. */
  | { type: "got"; seq: number }
  /** What this page's tiles got since the last report. */
  | { type: "measured"; tiles: Measured[] };

/** A tile's answered frames. Times are means, in milliseconds. */
export interface Measured {
  tile: number;
  /** Frames a second. */
  fps: number;
  /** From capture until the node had the frame; absent if the node does not say. */
  capture?: number;
  /** Until the node had made the picture. */
  node?: number;
  /** Until the gallery had it; absent while the node's clock is not known. */
  broker?: number;
  /** Until it was sent. */
  gallery: number;
  /** Until the answer came, which the page gives after drawing. */
  answer: number;
}

export interface WatchedTile {
  tile: number;
  camera: string;
  /** In device pixels. */
  width: number;
  fps: number;
}

export type FromPage =
  | { type: "watch"; tiles: WatchedTile[] }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "join"; name: string; id?: string; key?: string }
  | { type: "leave" }
  /** A repetition with the same id, a ULID, adds nothing to the talk. */
  | { type: "say"; text: string; id: string }
  /** The size of the full picture, such as `1280x720`. */
  | { type: "share"; name: string; size: string }
  | { type: "unshare" }
  | { type: "measure"; on: boolean }
  /** Whether to send the log from now on. */
  | { type: "log"; follow: boolean };

/** Reads a message; null for an unknown one, such as one of a later version. */
export function parseMessage(text: string): ToPage | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(raw)) return null;
  if (raw.type === "hello" && isText(raw.page)) return { type: "hello", page: raw.page };
  if (raw.type === "cameras" && isNumber(raw.now) && Array.isArray(raw.cameras)) {
    return { type: "cameras", now: raw.now, cameras: each(raw.cameras, camera) };
  }
  if (raw.type === "me") {
    const me = readMe(raw);
    return me && { type: "me", ...me };
  }
  if (raw.type === "notice" && Array.isArray(raw.notices)) {
    return { type: "notice", notices: each(raw.notices, notice) };
  }
  if (raw.type === "photo") {
    const event = readEvent(raw);
    return event && { type: "photo", ...event };
  }
  if (raw.type === "log" && Array.isArray(raw.entries)) {
    return { type: "log", entries: each(raw.entries, readEntry) };
  }
  if (raw.type === "measured" && Array.isArray(raw.tiles)) {
    return { type: "measured", tiles: each(raw.tiles, measured) };
  }
  if (raw.type === "alive" && isNumber(raw.now)) return { type: "alive", now: raw.now };
  return readPeople(raw) ?? readOwn(raw);
}

/** Messages about people and the talk. */
function readPeople(raw: Record<string, unknown>): ToPage | null {
  const { type, id, key, name, text, seconds, why } = raw;
  if (type === "you" && isPerson(id) && isText(key) && isText(name)) {
    return { type, id, key, name };
  }
  if (type === "people" && Array.isArray(raw.people)) {
    return { type, people: each(raw.people, readPresent) };
  }
  if (type === "presence") {
    const here = Array.isArray(raw.here) ? each(raw.here, readPresent) : [];
    const gone = Array.isArray(raw.gone) ? raw.gone.filter(isPerson) : [];
    return { type, here, gone };
  }
  if (type === "talk" && Array.isArray(raw.lines)) {
    return { type, lines: each(raw.lines, readLine) };
  }
  if (type === "said" && isId(id)) return { type, id };
  if (type === "held" && typeof text === "string" && isText(why)) {
    return { type, text, why, ...(isId(id) && { id }), ...(isNumber(seconds) && { seconds }) };
  }
  return null;
}

/** Messages about the camera that this page shows. */
function readOwn(raw: Record<string, unknown>): ToPage | null {
  const { type, full, half, quarter, preview, looking, seq } = raw;
  const numbers = isNumber(full) && isNumber(half) && isNumber(quarter) && isNumber(preview);
  if (type === "wanted" && numbers && isNumber(looking)) {
    return { type, full, half, quarter, preview, looking };
  }
  if (type === "got" && isNumber(seq)) return { type, seq };
  return null;
}

function camera(raw: unknown): Camera | null {
  if (!isObject(raw)) return null;
  const { camera, name, since } = raw;
  if (typeof camera !== "string" || !/^[a-z0-9_-]+\/[a-z0-9_-]+$/.test(camera)) return null;
  if (!isNumber(since)) return null;
  const read: Camera = {
    camera,
    name: typeof name === "string" && name !== "" ? name : camera,
    kind: typeof raw.kind === "string" ? raw.kind : "",
    // A state of a later version appears with the words that come with it, never as live.
    state: isState(raw.state) ? raw.state : "error",
    since,
  };
  if (read.kind === "browser" && read.state === "off") read.state = "ended";
  for (const key of ["node_title", "reason", "detail", "by", "format", "size"] as const) {
    const value = raw[key];
    if (typeof value === "string" && value !== "") read[key] = value;
  }
  if (isNumber(raw.fps)) read.fps = raw.fps;
  if (isNumber(raw.interval) && raw.interval > 0) read.interval = raw.interval;
  return read;
}

function notice(raw: unknown): Notice | null {
  if (!isObject(raw) || typeof raw.code !== "string" || typeof raw.text !== "string") return null;
  const { code, text, port } = raw;
  return isNumber(port) ? { code, text, port } : { code, text };
}

function measured(raw: unknown): Measured | null {
  if (!isObject(raw)) return null;
  const { tile, fps, gallery, answer } = raw;
  if (!isNumber(tile) || !isNumber(fps) || !isNumber(gallery) || !isNumber(answer)) return null;
  const read: Measured = { tile, fps, gallery, answer };
  for (const key of ["capture", "node", "broker"] as const) {
    const value = raw[key];
    if (isNumber(value)) read[key] = value;
  }
  return read;
}

function isState(value: unknown): value is CameraState {
  return ["live", "idle", "lost", "off", "error"].includes(value as string);
}
