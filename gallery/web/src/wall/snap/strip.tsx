// The last ten photos below the wall, newest at the left, after those in transit.

import { effect, signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { fileUrl, listPhotos } from "../../net/api";
import { momentName } from "../../words/dates";
import { link, photoListeners } from "../../net/gallery";
import { scope } from "../../net/me";
import { people } from "../../people/conversation";
import { words } from "../../words/language";
import { named } from "../../photos/camera-name";
import { order, put, without } from "../../photos/album/merge";
import type { Present } from "../../people/wire";
import type { Photo, PhotoEvent } from "../../photos/photo";
import { view } from "../../page/route";
import { shape } from "../../photos/grid/rows";
import { WallActs } from "../arrange/wall-acts";
import { pending, settle, type Pending } from "./snap";
import type { Words } from "../../words/words";

const LENGTH = 10;
const SLOW = 480;

/** Null before they are known. */
export const last = signal<readonly Photo[] | null>(null);

async function ask(): Promise<void> {
  try {
    const { photos } = await listPhotos({ limit: `${LENGTH}` });
    last.value = photos.sort(order);
    photos.forEach(settle);
  } catch {
    // It loads again when the connection is back.
    last.value ??= [];
  }
}

effect(() => {
  // Also when one may see other ones.
  void scope.value;
  if (link.value.open) void ask();
});

photoListeners.add((event: PhotoEvent) => {
  const before = last.peek() ?? [];
  if (event.event === "deleted") {
    settle(event);
    if (!before.some(({ id }) => id === event.id)) return;
    last.value = without(before, event.id);
    // One more of those before moves up.
    void ask();
    return;
  }
  const known = before.some(({ id }) => id === event.photo.id);
  if (known || event.event === "stored") {
    last.value = put(before, event.photo).slice(0, LENGTH);
  }
  settle(event.photo);
});

export function Strip() {
  const list = useRef<HTMLOListElement>(null);
  const photos = last.value;
  const waiting = pending.value.filter(({ id }) => !photos?.some((photo) => photo.id === id));
  const shown = [...waiting, ...(photos ?? [])].slice(0, LENGTH);
  useSlide(list, shown.map(({ id }) => id).join());
  const tail = whoIsHere(people.value ?? [], words.value);
  // Its place exists from the start, so that the first photo moves no tile.
  return (
    <div class="under">
      {photos !== null && shown.length === 0 && <p class="none">{words.value.noPhotos}</p>}
      <ol ref={list} class="strip" role="list" aria-label={words.value.shutter.strip}>
        {shown.map((photo) =>
          "picture" in photo ? (
            <Coming key={photo.id} photo={photo} />
          ) : (
            <Last key={photo.id} photo={photo} />
          ),
        )}
      </ol>
      {tail && <span class="tail">{tail}</span>}
      <WallActs />
    </div>
  );
}

/** Names the first people here and counts the others. */
const NAMED = 3;

function whoIsHere(all: readonly Present[], { andMore }: Words): string {
  const names = all.slice(0, NAMED).map(({ name }) => name);
  const more = all.length - names.length;
  return more > 0 ? andMore(names.join(", "), more) : names.join(", ");
}

function Last({ photo: stored }: { photo: Photo }) {
  const photo = named(stored);
  const { photoOf } = words.value;
  const when = momentName(photo.taken, Date.now(), words.value);
  const label = photoOf(photo.caption ?? photo.camera_name ?? photo.person?.name ?? "", when);
  return (
    <li data-photo={photo.id} style={{ "--ar": shape(photo.width, photo.height) }}>
      <a
        href={`#/photo/${photo.id}`}
        aria-label={label}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          view(photo.id);
        }}
      >
        <img src={fileUrl(photo.id, "/thumb")} alt="" draggable={false} />
      </a>
    </li>
  );
}

function Coming({ photo }: { photo: Pending }) {
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => place.current!.replaceChildren(photo.picture), []);
  return (
    <li
      ref={place}
      data-photo={photo.id}
      class={photo.landed ? "coming" : "coming flying"}
      style={{ "--ar": shape(photo.picture.width, photo.picture.height) }}
    />
  );
}

/** Earlier photos move to their new places. */
function useSlide(list: { current: HTMLOListElement | null }, ids: string): void {
  const before = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const now = new Map<string, number>();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const item of list.current?.querySelectorAll<HTMLElement>("li") ?? []) {
      const id = item.dataset.photo ?? "";
      now.set(id, item.offsetLeft);
      const from = before.current.get(id);
      if (calm || from === undefined || from === item.offsetLeft) continue;
      item.animate(
        [{ transform: `translateX(${from - item.offsetLeft}px)` }, { transform: "none" }],
        { duration: SLOW, easing: "cubic-bezier(.2,.8,.2,1)" },
      );
    }
    before.current = now;
  }, [ids]);
}
