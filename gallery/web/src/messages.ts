// The JSON messages of the WebSocket, as wire/src/page.rs has them.

import { each, isNumber, isObject } from "./json";
import { readEvent, type PhotoEvent } from "./photo";

export type CameraState = "live" | "idle" | "lost" | "off" | "error";

export interface Camera {
  /** `node/camera`. */
  camera: string;
  /** What people call it. */
  name: string;
  kind: string;
  state: CameraState;
  /** Why it does not work: a word for programs. Later versions may send words not known here. */
  reason?: string;
  /** The same as a sentence, in English. */
  detail?: string;
  /** The program that has it, when it is busy. */
  by?: string;
  /** Since when it is so, in milliseconds since 1970 by the gallery's clock. */
  since: number;
  format?: string;
  /** The captured size, such as `1280x720`. */
  size?: string;
  fps?: number;
}

export interface Notice {
  /** A word for programs, such as `broker-lost`. */
  code: string;
  /** The same as a sentence, in English. */
  text: string;
}

export type ToPage =
  | { type: "cameras"; now: number; cameras: Camera[] }
  | { type: "notice"; notices: Notice[] }
  | ({ type: "photo" } & PhotoEvent);

export interface WatchedTile {
  tile: number;
  camera: string;
  /** In device pixels. */
  width: number;
  fps: number;
}

export type FromPage =
  { type: "watch"; tiles: WatchedTile[] } | { type: "pause" } | { type: "resume" };

/** Reads a message; null for one that is not understood, such as one of a later version. */
export function parseMessage(text: string): ToPage | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(raw)) return null;
  if (raw.type === "cameras" && isNumber(raw.now) && Array.isArray(raw.cameras)) {
    return { type: "cameras", now: raw.now, cameras: each(raw.cameras, camera) };
  }
  if (raw.type === "notice" && Array.isArray(raw.notices)) {
    return { type: "notice", notices: each(raw.notices, notice) };
  }
  if (raw.type === "photo") {
    const event = readEvent(raw);
    return event && { type: "photo", ...event };
  }
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
    // A state of a later version is shown with the words that come with it, never as live.
    state: isState(raw.state) ? raw.state : "error",
    since,
  };
  for (const key of ["reason", "detail", "by", "format", "size"] as const) {
    const value = raw[key];
    if (typeof value === "string" && value !== "") read[key] = value;
  }
  if (isNumber(raw.fps)) read.fps = raw.fps;
  return read;
}

function notice(raw: unknown): Notice | null {
  if (!isObject(raw) || typeof raw.code !== "string" || typeof raw.text !== "string") return null;
  return { code: raw.code, text: raw.text };
}

function isState(value: unknown): value is CameraState {
  return ["live", "idle", "lost", "off", "error"].includes(value as string);
}
