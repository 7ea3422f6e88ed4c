// Names for cameras that share one, as all of one model do.

import type { Camera } from "../../net/messages";

/** The cameras with names that differ: with the node's name, or else the camera's address. */
export function distinct(cameras: Camera[]): Camera[] {
  const named = apart(cameras, (camera) => `${camera.name}, ${nodeOf(camera)}`);
  return apart(named, ({ camera }) => camera);
}

/** What people call the camera's node. */
export function nodeOf({ camera, node_title }: Camera): string {
  return node_title ?? camera.split("/")[0] ?? "";
}

/** Renames those that share a name. */
function apart(cameras: Camera[], other: (camera: Camera) => string): Camera[] {
  const count = new Map<string, number>();
  for (const { name } of cameras) count.set(name, (count.get(name) ?? 0) + 1);
  return cameras.map((camera) =>
    count.get(camera.name) === 1
      ? camera
      : { ...camera, name: other(camera), called: camera.called ?? camera.name },
  );
}
