// What lies on a tile while the wall is arranged: its place, Large and Hide.

import { words } from "../../words/language";
import { hideHere, makeLarge } from "./arranging";

interface Props {
  camera: string;
  name: string;
  /** Its place in the order, from 1. */
  place: number;
  large: boolean;
  /** It was pressed long: even a small tile offers all. */
  offers: boolean;
}

export function Grab({ camera, name, place, large, offers }: Props) {
  const { arrange, figures } = words.value;
  return (
    <div class={offers ? "grab offers" : "grab"}>
      <span class="chip nr" aria-hidden="true">
        {place.toLocaleString(figures)}
      </span>
      <button
        class="chip large"
        aria-pressed={large}
        aria-label={`${arrange.large}: ${name}`}
        onClick={() => makeLarge(camera)}
      >
        {arrange.large}
      </button>
      <button
        class="chip hide"
        aria-label={`${arrange.hide}: ${name}`}
        onClick={() => hideHere(camera)}
      >
        {arrange.hide}
      </button>
    </div>
  );
}
