// The keys of the wall: its pages, and while it is arranged everything by keys.

import { useLayoutEffect, useRef } from "preact/hooks";
import { answerKeys, arrows } from "../../page/keys/keys";
import { viewed } from "../../page/route";
import { neighbour } from "../layout/neighbour";
import { placed } from "../layout/placing";
import { endArranging, hideHere, isArranging, makeLarge, moveTo, undoArranging } from "./arranging";
import { order } from "./mine";
import { turnPage } from "./pages";

interface Keys {
  /** Puts back what the mouse holds; whether it held something. */
  cancel(): boolean;
}

export function useArrangeKeys(keys: Keys): void {
  const now = useRef(keys);
  now.current = keys;
  useLayoutEffect(
    () =>
      answerKeys((key, shift) => {
        if (viewed.value !== null) return false;
        if (key === "PageUp" || key === "PageDown") return turnPage(key === "PageUp" ? -1 : 1);
        if (key === "Escape" && now.current.cancel()) return true;
        return isArranging() && press(key, shift);
      }),
    [],
  );
}

function press(key: string, shift: boolean): boolean {
  const tile = tileHere();
  const camera = tile?.dataset.camera;
  if (key === "Escape") undoArranging();
  // On a button of the bar or of a tile, Enter presses that.
  else if (key === "Enter" && !document.activeElement?.matches("button:not(.open), a, select"))
    endArranging();
  else if (!tile || camera === undefined) return false;
  else if (key === "h") hideHere(camera);
  else if (key === "b") makeLarge(camera);
  else if (shift && key in arrows) move(camera, key);
  else return false;
  return true;
}

function move(camera: string, key: string): void {
  const at = order.value.indexOf(camera);
  const direction = arrows[key]!;
  if (direction === "left" || direction === "right") {
    return moveTo(camera, at + (direction === "left" ? -1 : 1), true);
  }
  // Where the tiles are to be; some may still be on their way there.
  const { names, boxes } = placed.peek()!;
  const next = neighbour(
    names.map((name) => boxes.get(name)!),
    names.indexOf(camera),
    direction,
  );
  moveTo(camera, next === null ? at : order.value.indexOf(names[next]!), true);
}

/** The tile with the focus, or else under the pointer. */
function tileHere(): HTMLElement | null {
  return (
    document.querySelector<HTMLElement>(".wall .tile:focus-within") ??
    document.querySelector<HTMLElement>(".wall .tile:hover")
  );
}
