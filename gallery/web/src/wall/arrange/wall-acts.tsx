// Below the wall: its pages, how many cameras are hidden here, and the way to arrange it.

import { cameras } from "../../net/gallery";
import { words } from "../../words/language";
import { beginArranging } from "./arranging";
import { arrangement } from "./mine";
import { Pager } from "./pager";

export function WallActs() {
  const { arrange } = words.value;
  const hidden = arrangement.value.hidden.length;
  if (hidden === 0 && (cameras.value?.length ?? 0) < 2) return null;
  return (
    <div class="wall-acts">
      <Pager />
      {hidden > 0 && (
        <button class="word" onClick={() => beginArranging(true)}>
          {arrange.hidden(hidden)}
        </button>
      )}
      <button class="word" onClick={() => beginArranging()}>
        {arrange.begin}
      </button>
    </div>
  );
}
