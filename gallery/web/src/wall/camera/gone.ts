// What is gone for long, and what is forgotten with it.

import type { Camera } from "../../net/messages";

const DAY = 86_400_000;

/** Why a camera is gone. One that is lost for another reason is still plugged in somewhere. */
const GONE: ReadonlySet<string | undefined> = new Set(["unplugged", "node-offline"]);

/** For how many days a camera is gone; 0 while it is not. */
export function daysGone({ state, reason, since }: Camera, now: number): number {
  return state === "lost" && GONE.has(reason) ? Math.max(0, Math.floor((now - since) / DAY)) : 0;
}

/** What is forgotten with a camera: that of a node that is gone takes the others along. */
export interface Lost {
  node: string | null;
  name: string;
  cameras: readonly string[];
}

export function lostWith(camera: Camera, all: readonly Camera[]): Lost {
  const node = camera.camera.split("/")[0] ?? "";
  const of = all.filter((other) => other.camera.startsWith(`${node}/`));
  const whole = camera.reason === "node-offline" && of.length > 1;
  return whole
    ? { node, name: node, cameras: of.map((other) => other.camera) }
    : { node: null, name: camera.name, cameras: [camera.camera] };
}
