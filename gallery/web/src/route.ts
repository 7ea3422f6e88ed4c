// Where the page is. `#/camera/<node>/<camera>` is a camera shown large, all else is the wall.

import { signal } from "@preact/signals";

/** The camera shown large; null on the wall. */
export const enlarged = signal<string | null>(read());

/** The camera shown large before, to which the focus returns. */
export let came: string | null = null;

addEventListener("popstate", follow);
addEventListener("hashchange", follow);

/** Shows a camera large. Back returns to the wall, however many were looked at. */
export function enlarge(camera: string): void {
  const url = `#/camera/${camera}`;
  if (enlarged.value === null) history.pushState({ fromWall: true }, "", url);
  else history.replaceState(history.state, "", url);
  follow();
}

export function toWall(): void {
  if (enlarged.value === null) return;
  if ((history.state as { fromWall?: boolean } | null)?.fromWall) history.back();
  else history.replaceState(null, "", "#/");
  follow();
}

function follow(): void {
  const camera = read();
  if (camera === enlarged.peek()) return;
  came = enlarged.peek();
  enlarged.value = camera;
}

function read(): string | null {
  return /^#\/camera\/([a-z0-9_-]+\/[a-z0-9_-]+)$/.exec(location.hash)?.[1] ?? null;
}
