// Tells screen readers what changed, politely: bundled, at most every five seconds.

import { signal } from "@preact/signals";
import type { Face, TileState } from "../../wall/tile/tile-state";
import type { Camera } from "../../net/messages";
import { words } from "../../words/language";

const EVERY = 5_000;
/** How long an announcement stays readable; then it is no longer news. */
const FRESH = 4_000;

/** The text of the live region. */
export const said = signal("");

const told = new Map<string, TileState>();
const changed = new Map<string, { name: string; face: Face }>();
let sentences: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let last = -Infinity;

/** A camera shows this now. Its first state is on the page and is not announced. */
export function tell(camera: Camera, face: Face): void {
  if (face.state === "connecting") return;
  if (!told.has(camera.camera)) {
    told.set(camera.camera, face.state);
    return;
  }
  changed.set(camera.camera, { name: camera.name, face });
  soon();
}

/** News that belongs to no camera, such as the connection. */
export function tellAll(sentence: string): void {
  sentences.push(sentence);
  soon();
}

function soon(): void {
  timer ??= setTimeout(flush, Math.max(250, last + EVERY - Date.now()));
}

function flush(): void {
  timer = undefined;
  const news = sentences;
  sentences = [];
  for (const [camera, { name, face }] of changed) {
    // A change that was undone in the meantime is no news.
    if (told.get(camera) === face.state) continue;
    told.set(camera, face.state);
    const said = words.value.states[face.state];
    const why = face.why?.headline.toLowerCase() ?? said;
    news.push(why === said ? `${name} ${said}` : `${name} ${said}, ${why}`);
  }
  changed.clear();
  if (news.length === 0) return;
  last = Date.now();
  said.value = `${news.join(". ")}.`;
  setTimeout(() => (said.value = ""), FRESH);
}
