// The photos by day; only the rows near the view are in the document.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { viewed } from "../../page/route";
import type { Album } from "../album/album";
import { cursor } from "../album/current-album";
import {
  anchorAt,
  arrange,
  heightOf,
  locate,
  rowsBetween,
  slabAt,
  slabsBetween,
  type Anchor,
  type Sheet,
  type Slab,
} from "./day-list";
import { DaySection } from "./grid-day";
import { useGridKeys } from "./grid-keys";
import { picked } from "../select/selection";
import { usePicking } from "../select/picking";
import { News } from "./news";
import type { Row } from "./rows";
import { Months, Thumb } from "./timeline";
import { follow, shapeOf, type Look } from "./viewport";

/** How many views above and below are drawn, and how many are loaded. */
const DRAWN = 0.75;
const WANTED = 2;

interface Place {
  /** What is laid out. */
  sheet: Sheet | null;
  anchor: Anchor | null;
  /** Where the view begins on it. */
  top: number;
  /** By how much the page has to be scrolled for that. */
  by: number;
}

/** State that survives a visit to another room. */
let left: { album: Album; anchor: Anchor | null } | null = null;

export function Grid({ album }: { album: Album }) {
  const root = useRef<HTMLDivElement>(null);
  const [look, setLook] = useState<Look | null>(null);
  const place = useRef<Place>();
  place.current ??= {
    sheet: null,
    anchor: left?.album === album ? left.anchor : null,
    top: 0,
    by: 0,
  };
  const at = place.current;
  /** The photo that gets the focus once it is in the document. */
  const wanted = useRef<string | null>(null);

  const days = album.days.value ?? [];
  const loaded = album.loaded.value;
  const { measure, margins } = shapeOf(look);
  const { head } = margins;
  const sheet = useMemo(
    () => arrange(days, (day) => loaded.get(day), measure, margins),
    [days, loaded, measure.width, measure.target],
  );
  const now = useRef({ sheet, measure, look });
  now.current = { sheet, measure, look };

  // What is in view stays in place, however much changes above it. The page may have
  // been scrolled meanwhile, so it is moved by the difference.
  if (look && sheet !== at.sheet) {
    if (at.sheet === null) at.top = look.top;
    const y = at.anchor && heightOf(sheet, at.anchor, head);
    if (y !== null) {
      at.by += y - head - at.top;
      at.top = y - head;
    }
    at.sheet = sheet;
  }
  useLayoutEffect(() => {
    const { by } = at;
    at.by = 0;
    if (Math.abs(by) >= 0.5) look?.lens.scrollBy(by);
  });

  const remember = (height: number): void => {
    const { sheet } = now.current;
    at.anchor = at.top > 0 ? anchorAt(sheet, at.top + head, at.top + height, head) : null;
    left = { album, anchor: at.anchor };
  };
  useLayoutEffect(
    () =>
      follow(root.current!, (seen) => {
        if (at.sheet) {
          at.top = seen.top;
          remember(seen.height);
        }
        setLook(seen);
      }),
    [album],
  );

  const top = at.top;
  const high = look?.height ?? 0;
  const drawn = slabsBetween(sheet, top - high * DRAWN, top + high * (1 + DRAWN));
  const near = slabsBetween(sheet, top - high * WANTED, top + high * (1 + WANTED));
  const more = near.filter(
    ({ rest, top: from, height }) =>
      rest > 0 &&
      from + height > top - high &&
      from + height - margins.foot - rest < top + 3 * high,
  );
  const middle = top + high / 2;
  more.sort((a, b) => away(a, middle) - away(b, middle));
  useEffect(() => {
    if (!look || look.racing) return;
    album.need("grid", {
      near: near.map(({ day }) => day.day),
      more: more.map(({ day }) => day.day),
    });
  });
  useEffect(() => () => album.needNothing("grid"), [album]);

  const reveal = (id: string): void => {
    const { sheet, look } = now.current;
    const found = look && locate(sheet, id);
    if (!found) return;
    const from = found.slab.top + head + found.row.y;
    const to = from + found.row.height;
    if (from < at.top + head) look.lens.scrollTo(from - head - 8);
    else if (to > at.top + look.height) look.lens.scrollTo(to - look.height + 8);
  };
  const focus = (id: string): void => {
    wanted.current = id;
    cursor.value = id;
    reveal(id);
    setLook((look) => look && { ...look });
  };
  useLayoutEffect(() => {
    const link = wanted.current && root.current!.querySelector(`[data-photo="${wanted.current}"]`);
    if (!link) return;
    wanted.current = null;
    (link as HTMLElement).focus({ preventScroll: true });
  });

  // Under the viewer the photo that is looked at comes into view; then it gets the focus.
  const viewing = viewed.value;
  const before = useRef(viewing);
  useEffect(() => {
    if (viewing !== null) reveal(viewing);
    else if (before.current !== null && cursor.peek() !== null) focus(cursor.peek()!);
    before.current = viewing;
  }, [viewing]);

  useGridKeys(album, root, () => {
    const { sheet, measure, look } = now.current;
    return look && { sheet, measure, head, top: at.top, look, focus };
  });

  usePicking(album, root, () => {
    const { sheet } = now.current;
    const focused = root.current!.contains(document.activeElement) ? cursor.peek() : null;
    return ((focused && locate(sheet, focused)?.slab) || slabAt(sheet, at.top + head))?.day ?? null;
  });

  const day = slabAt(sheet, top + head)?.day.day ?? "";
  const go = (to: string): void => {
    const slab = sheet.slabs.find(({ day }) => day.day === to);
    if (slab && look) look.lens.scrollTo(slab.top);
  };
  const kept = cursor.value;
  const tabbed = tabStop(drawn, head, top, kept);
  return (
    <>
      <News
        album={album}
        top={top}
        head={head}
        sheet={sheet}
        up={() => look?.lens.scrollTo(-1e6)}
      />
      <div
        ref={root}
        class={picked.value ? "days picking" : "days"}
        style={{ height: `${Math.ceil(sheet.height)}px` }}
      >
        {drawn.map((slab) => (
          <DaySection
            key={slab.day.day}
            slab={slab}
            rows={rowsNear(slab, head, top - high * DRAWN, top + high * (1 + DRAWN), kept)}
            measure={measure}
            head={head}
            racing={look?.racing ?? false}
            tabbed={tabbed}
            album={album}
          />
        ))}
      </div>
      <Months days={days} current={day} go={go} />
      {look && (
        <Thumb
          days={days}
          current={day}
          at={Math.min(1, Math.max(0, top / Math.max(1, sheet.height - high)))}
          drag={(to) => look.lens.scrollTo(to * (sheet.height - high))}
        />
      )}
    </>
  );
}

function away({ top, height }: Slab, from: number): number {
  return Math.max(0, top - from, from - top - height);
}

/** The rows near the view, and the one with the focus. */
function rowsNear(slab: Slab, head: number, from: number, to: number, kept: string | null): Row[] {
  const rows = rowsBetween(slab, head, from, to);
  const index = kept === null ? -1 : slab.photos.findIndex(({ id }) => id === kept);
  const row = index < 0 ? undefined : slab.rows.find((row) => index >= row.from && index < row.to);
  return row && !rows.includes(row) ? [...rows, row] : rows;
}

/** The one photo that Tab reaches; arrows lead on from there. */
function tabStop(drawn: Slab[], head: number, top: number, kept: string | null): string | null {
  if (kept && drawn.some(({ photos }) => photos.some(({ id }) => id === kept))) return kept;
  for (const slab of drawn) {
    const row = slab.rows.find((row) => slab.top + head + row.y + row.height > top + head);
    const photo = row && slab.photos[row.from];
    if (photo) return photo.id;
  }
  return null;
}
