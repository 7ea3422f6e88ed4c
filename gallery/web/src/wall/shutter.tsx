// The shutter: a ring and a disc; while a photo is not stored, a turning quarter.

import { words } from "../words/language";
import type { Camera } from "../net/messages";
import { asked, shoot } from "./snap";

interface Props {
  camera: Camera;
  /** Where the one camera is shown large. */
  big?: boolean;
}

export function Shutter({ camera, big }: Props) {
  const { shutter } = words.value;
  const waiting = asked.value.has(camera.camera);
  return (
    <button
      class={`shutter ${big ? "big" : "shoot"}${waiting ? " waiting" : ""}`}
      aria-label={big ? shutter.takeKey : shutter.take(camera.name)}
      aria-busy={waiting}
      onClick={(event) => {
        const tile = big
          ? document.querySelector<HTMLElement>(".stage .tile")
          : event.currentTarget.closest<HTMLElement>(".tile");
        if (tile) void shoot(camera, tile);
      }}
    />
  );
}
