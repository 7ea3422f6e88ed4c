// Says in every room that this browser shows its camera, with a way to stop.

import { computed } from "@preact/signals";
import { watched } from "../net/gallery";
import { me } from "../people/identity";
import { words } from "../words/language";
import { ownNode } from "./own";
import { sharing, unshare } from "./publish";

/** The number of other viewers: the gallery also counts a page that sees its own tile. */
export const looking = computed(() => {
  const node = ownNode(me.value?.id);
  const mine = [...watched.value].some((camera) => camera.startsWith(node));
  return Math.max(0, (sharing.value?.looking ?? 0) - (mine ? 1 : 0));
});

export function OnAirBar() {
  const shown = sharing.value;
  if (!shown) return null;
  const { own } = words.value;
  const isWaiting = shown.looked === null;
  const [lamp, long, short] = shown.refused
    ? ["error", own.notShown, own.notOnAir]
    : isWaiting
      ? ["connecting", own.waiting, own.notYetOnAir]
      : ["live", own.onWallWith(looking.value), own.onAir];
  return (
    <div class="onair-bar">
      <i class={`lamp ${lamp}`} />
      <span class="long" role="status">
        {long}
      </span>
      <span class="short" aria-hidden="true">
        {short}
      </span>
      <button onClick={unshare}>{own.stopNow}</button>
    </div>
  );
}
