// What a tile shows of its camera: state, age and reason.

import { ageText, atText, lastingText, LATE, sinceText } from "../../words/age";
import type { Camera } from "../../net/messages";
import { nodeOf } from "./names";
import { sentence, type Words } from "../../words/words";

export type TileState = "live" | "stale" | "lost" | "error" | "off" | "ended" | "connecting";

/** How long a tile without a picture is connecting, in ms; then it is lost. */
export const CONNECTING = 5_000;

/** A picture that comes so soon needs no text before it. */
const AT_ONCE = 300;

export interface Face {
  state: TileState;
  /** The age of the picture, for the plate; empty where it is not late. That of a slow camera is
   * late long before it is stale. */
  age: string;
  why: Reason | null;
  /** Name, state and reason for screen readers. Nothing in it counts seconds. */
  label: string;
}

export interface Reason {
  headline: string;
  line: string;
}

export interface Seen {
  /** When the tile opened, or the page was shown again, by our clock. */
  opened: number;
  /** When the picture on it was captured, by our clock; null before the first. */
  captured: number | null;
  /** The page was hidden since the picture came: whatever its age, it is not current. */
  rested: boolean;
}

/** The camera's `since` must be by our clock. */
export function face(camera: Camera, seen: Seen, now: number, words: Words): Face {
  const state = tileState(camera, seen, now);
  const why = reason(camera, state, seen, now, words);
  return {
    state,
    age: isLate(state, seen, now) ? ageText(seen.captured!, now, words) : "",
    why,
    label: label(camera, state, why, seen, now, words),
  };
}

export function tileState(camera: Camera, seen: Seen, now: number): TileState {
  if (camera.state !== "live" && camera.state !== "idle") return camera.state;
  const more = slowness(camera);
  if (seen.captured !== null) {
    return seen.rested || now - seen.captured > LATE + more ? "stale" : "live";
  }
  return now - seen.opened < CONNECTING + more ? "connecting" : "lost";
}

/** The longest interval that counts, in seconds, because it came from the network. */
const INTERVAL = 3_600;

/** How many milliseconds longer a picture of this camera passes for live, as `limits::stale_after`
 * of `wire` has it: one may be exposed and another be on its way. */
function slowness({ interval }: Camera): number {
  return 2_000 * Math.min(interval ?? 0, INTERVAL);
}

function isLate(state: TileState, { captured }: Seen, now: number): boolean {
  return captured !== null && (state === "stale" || state === "live") && now - captured > LATE;
}

function reason(
  camera: Camera,
  state: TileState,
  seen: Seen,
  now: number,
  words: Words,
): Reason | null {
  const since = sentence(sinceText(camera.since, now, words));
  switch (state) {
    case "live":
    case "stale":
      return null;
    case "connecting":
      if (now - seen.opened < AT_ONCE) return null;
      return { headline: words.connecting, line: "" };
    case "off":
      return { headline: words.off, line: since };
    case "ended":
      return { headline: words.ended, line: endedLine(camera, now, words) };
    case "lost":
    case "error":
      break;
  }
  if (camera.state === "live" || camera.state === "idle") {
    return silent(seen.opened, now, words);
  }
  switch (camera.reason) {
    case "unplugged":
      return {
        headline: words.unplugged,
        line: words.comesBack(ageText(camera.since, now, words)),
      };
    case "stalled":
      return silent(Math.min(camera.since, seen.captured ?? Infinity), now, words);
    case "frozen":
      return { headline: words.frozen, line: words.frozenSince(since) };
    case "broken":
      return { headline: words.broken, line: words.brokenHelp };
    case "node-offline":
      return { headline: words.offline(nodeOf(camera)), line: since };
    case "busy":
      return {
        headline: camera.by ? words.takenBy(camera.by) : words.takenBySome,
        line: words.takenHelp,
      };
    case "permission":
      return { headline: words.notAllowed, line: words.notAllowedHelp };
    case "usb-bandwidth":
      return { headline: words.busFull, line: words.busFullHelp };
    case "format":
      return { headline: words.noFormat, line: words.noFormatHelp };
    case "device":
      return { headline: words.failure, line: words.failureHelp };
    default:
      return spoken(camera, words, since);
  }
}

function endedLine({ name, since, detail }: Camera, now: number, words: Words): string {
  const when = atText(since, now, words);
  return / was lost$/.test(detail ?? "") ? words.endedLost(name, when) : words.stopped(name, when);
}

function silent(from: number, now: number, words: Words): Reason {
  return { headline: words.noPictures, line: words.silentFor(lastingText(from, now, words)) };
}

/** An unknown reason comes with a sentence: what is wrong; then what to do. */
function spoken(camera: Camera, words: Words, since: string): Reason {
  const [what, ...rest] = (camera.detail ?? "").split("; ");
  if (!what) return { headline: camera.state === "lost" ? words.lost : words.trouble, line: since };
  return { headline: sentence(what.replace(/\.$/, "")), line: sentence(rest.join("; ")) };
}

function label(
  camera: Camera,
  state: TileState,
  why: Reason | null,
  seen: Seen,
  now: number,
  words: Words,
): string {
  const parts: string[] = [];
  if (why && state !== "connecting" && state !== "off" && state !== "ended")
    parts.push(why.headline);
  if (state === "stale" && seen.captured !== null) {
    parts.push(sentence(sinceText(seen.captured, now, words)));
  } else if (why && camera.reason === "unplugged") {
    parts.push(sentence(sinceText(camera.since, now, words)));
  } else if (why?.line && why.headline !== words.noPictures) {
    parts.push(why.line.replace(/\.$/, ""));
  }
  return [`${camera.name}: ${words.states[state]}`, ...parts].join(". ");
}
