// Choosing photos in the grid: by their rings, by a long press, by keys, and once begun by any click.

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { answerKeys } from "../../page/keys/keys";
import { viewed } from "../../page/route";
import type { Album } from "../album/album";
import { cursor } from "../album/current-album";
import type { Day, Photo } from "../photo";
import { beginPicking, picked, pick, pickDay, pickTo } from "./selection";

/** A finger that rests this long, in ms, chooses, unless it moves this far, in pixels. */
const LONG = 450;
const MOVED = 10;

/** `dayInView` is that of the photo with the focus, else the one at the top. */
export function usePicking(
  album: Album,
  root: { current: HTMLElement | null },
  dayInView: () => Day | null,
): void {
  const now = useRef(dayInView);
  now.current = dayInView;
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        const day = key === "Ctrl+a" && viewed.value === null ? now.current() : null;
        if (day) void pickDay(album, day);
        return day !== null;
      }),
    [album],
  );
  useEffect(() => {
    const element = root.current!;
    const ends = new AbortController();
    const on = <K extends keyof HTMLElementEventMap>(
      kind: K,
      act: (event: HTMLElementEventMap[K]) => void,
    ): void => element.addEventListener(kind, act, { capture: true, signal: ends.signal });

    const choose = (photo: Photo, range: boolean): void => {
      beginPicking();
      cursor.value = photo.id;
      if (range) void pickTo(album, photo);
      else pick(photo);
    };

    let timer: ReturnType<typeof setTimeout> | undefined;
    let down = { x: 0, y: 0 };
    let touched = false;
    /** The click that ends a long press is none. */
    let held = false;
    const lift = (): void => clearTimeout(timer);
    on("pointerdown", (event) => {
      lift();
      held = false;
      touched = event.pointerType === "touch";
      const photo = photoOf(album, event);
      if (!touched || !photo || !event.isPrimary) return;
      down = { x: event.clientX, y: event.clientY };
      timer = setTimeout(() => {
        held = true;
        choose(photo, false);
      }, LONG);
    });
    on("pointermove", ({ clientX, clientY }) => {
      if (Math.hypot(clientX - down.x, clientY - down.y) > MOVED) lift();
    });
    on("pointerup", lift);
    on("pointercancel", lift);
    on("contextmenu", (event) => {
      if (touched && photoOf(album, event)) event.preventDefault();
    });

    on("click", (event) => {
      const photo = photoOf(album, event);
      const ring = (event.target as Element).closest(".pick") !== null;
      if (!photo || !(ring || held || picked.peek())) return;
      event.preventDefault();
      event.stopPropagation();
      if (!held) choose(photo, event.shiftKey);
      held = false;
    });
    on("keydown", (event) => {
      const photo = event.key === " " ? photoOf(album, event) : null;
      if (!photo || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      choose(photo, event.shiftKey);
    });
    return () => {
      lift();
      ends.abort();
    };
  }, [album]);
}

function photoOf(album: Album, { target }: Event): Photo | null {
  const link = (target as Element).closest("li")?.querySelector<HTMLElement>("[data-photo]");
  return link ? album.find(link.dataset.photo ?? "") : null;
}
