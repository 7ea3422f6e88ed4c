// Which photo the viewer shows; loads it and its neighbours.

import { useEffect, useRef, useState } from "preact/hooks";
import { onePhoto, Refusal } from "../../net/api";
import { closeViewer, view } from "../../page/route";
import { last } from "../../wall/snap/strip";
import { album } from "../album/current-album";
import { dayOf } from "../album/merge";
import type { Photo } from "../photo";

interface Seen {
  photo: Photo | null;
  /** Its position; null while unknown. */
  index: number | null;
  total: number;
  /** There is no such photo. */
  gone: boolean;
}

/** The photo with this id; if it is deleted the next one replaces it. */
export function usePhoto(id: string | null): Seen {
  const shown = album.value;
  const [fetched, setFetched] = useState<Photo | null>(null);
  const [gone, setGone] = useState<string | null>(null);
  const place = useRef<{ id: string; index: number } | null>(null);
  const before = useRef<Photo | null>(null);

  const inAlbum = id === null ? null : (shown?.find(id) ?? null);
  const inStrip = id === null ? null : (last.value?.find((photo) => photo.id === id) ?? null);
  const index = inAlbum && shown ? shown.indexOf(inAlbum) : null;
  const was = place.current?.id === id ? place.current : null;
  useEffect(() => {
    if (id !== null && index !== null) place.current = { id, index };
  }, [id, index]);

  const lost = id !== null && was !== null && inAlbum === null;
  useEffect(() => {
    if (!lost || !shown) return;
    const next = shown.photoAt(was.index) ?? shown.photoAt(was.index - 1);
    if (next) view(next.id);
    else if (shown.total.value === 0) closeViewer();
  });

  const known = inAlbum ?? inStrip ?? (fetched?.id === id ? fetched : null);
  const unknown = id !== null && known === null && !lost;
  useEffect(() => {
    if (!unknown) return;
    const stop = new AbortController();
    onePhoto(id, stop.signal)
      .then(({ photo }) => setFetched(photo))
      .catch((error: unknown) => {
        const status = error instanceof Refusal ? error.status : 0;
        if (status === 404 || status === 410) setGone(id);
      });
    return () => stop.abort();
  }, [id, unknown]);

  // While it flies back to its place it is still that photo.
  if (known) before.current = known;
  const photo = known ?? (id === null || lost ? before.current : null);
  return { photo, index, total: shown?.total.value ?? 0, gone: gone !== null && gone === id };
}

/** Keeps the photo's day and its neighbours loaded. */
export function useNeed(photo: Photo | null, index: number | null, waiting: number | null): void {
  const shown = album.value;
  const taken = photo?.taken;
  useEffect(() => {
    if (!shown || taken === undefined) return;
    const at = waiting ?? index;
    const near = new Set([dayOf(taken).day]);
    const more = new Set<string>();
    if (at === null) more.add(dayOf(taken).day);
    else {
      for (let i = at - 2; i <= at + 2; i++) {
        const day = shown.dayAt(i)?.day.day;
        if (day === undefined) continue;
        near.add(day);
        if (!shown.photoAt(i)) more.add(day);
      }
    }
    shown.need("viewer", { near: [...near], more: [...more] });
  });
  useEffect(() => () => shown?.needNothing("viewer"), [shown]);
}
