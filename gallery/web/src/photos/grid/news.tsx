// A button at the top for new photos above the view.

import { words } from "../../words/language";
import { NEW, type Album } from "../album/album";
import { locate, slabAt, type Sheet } from "./day-list";

interface NewsProps {
  album: Album;
  sheet: Sheet;
  top: number;
  head: number;
  up: () => void;
}

export function News({ album, sheet, top, head, up }: NewsProps) {
  const first = slabAt(sheet, top + head);
  let waiting = 0;
  for (const [id, fresh] of album.fresh) {
    const { photo, came, seen } = fresh;
    const above = first !== null && top > head && photo.taken >= first.day.end;
    const found = first && !above && locate({ ...sheet, slabs: [first] }, id);
    const over = found && top > head && found.slab.top + head + found.row.y < top;
    if (!above && !over) fresh.seen = true;
    else if (!seen) waiting++;
    if (fresh.seen && Date.now() - came > NEW) album.fresh.delete(id);
  }
  return (
    <div class="news" role="status">
      {waiting > 0 && (
        <button class="pill" onClick={up}>
          {words.value.newPhotos(waiting)}
        </button>
      )}
    </div>
  );
}
