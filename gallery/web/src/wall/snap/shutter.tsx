// The shutter: a ring and a disc; a turning quarter while a photo is not stored; dark if no photo
// is possible.

import { words } from "../../words/language";
import type { Camera } from "../../net/messages";
import { asked, obstacle, press } from "./snap";

interface Props {
  camera: Camera;
  /** Where the one camera is shown large. */
  big?: boolean;
}

export function Shutter({ camera, big }: Props) {
  const { shutter } = words.value;
  const waiting = asked.value.has(camera.camera);
  const why = obstacle(camera);
  const take = big ? shutter.takeKey : shutter.take(camera.name);
  return (
    <button
      class={`shutter ${big ? "big" : "shoot"}${waiting ? " waiting" : ""}`}
      aria-label={why === null ? take : `${shutter.noneOf(camera.name)}. ${why}`}
      aria-disabled={why !== null}
      aria-busy={waiting}
      onClick={(event) => {
        const tile = big
          ? document.querySelector<HTMLElement>(".stage .tile")
          : event.currentTarget.closest<HTMLElement>(".tile");
        if (tile) press(camera, tile);
      }}
    />
  );
}
