// Photos one after the other over all of the window, as long as nobody ends it.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fileUrl, hasPhoto, listPhotos } from "../../net/api";
import { photoListeners } from "../../net/gallery";
import { Icon } from "../../page/icon";
import { answerKeys, pressesButton, toggleFullScreen } from "../../page/keys/keys";
import { complain } from "../../page/notices/toast";
import { Round } from "../../page/round-button";
import { room } from "../../page/route";
import { keep, kept } from "../../page/storage";
import { momentName } from "../../words/dates";
import { words } from "../../words/language";
import { named } from "../camera-name";
import { matches, query, type Filter } from "../filter/filter";
import type { Photo, PhotoEvent } from "../photo";
import { useQuiet } from "../viewer/viewer-bars";
import { Playlist } from "./playlist";

/** Seconds for each photo. */
const PACES = [3, 6, 12];
const PACE = 6;
/** When only this many are left, more are asked for. */
const SOON = 50;
/** The most that wait to be told whether they have the word. */
const JUDGED = 256;

interface Show {
  photos: readonly Photo[];
  /** What comes and is meant by this is taken in. */
  filter: Filter;
  /** Where the rest begins at the gallery. */
  next: string | null;
}

/** What is shown; null while nothing is. */
export const slideshow = signal<Show | null>(null);

export function playPhotos(photos: readonly Photo[], filter: Filter): void {
  slideshow.value = { photos, filter, next: null };
}

/** All that a sentence means, the newest first. */
export async function playAll(filter: Filter): Promise<void> {
  try {
    slideshow.value = { filter, ...(await listPhotos(query(filter))) };
  } catch {
    complain(words.value.photosAway, words.value.photosAwayHelp);
  }
}

export function Slideshow() {
  const show = slideshow.value;
  // Back leads out of it.
  const here = room.value === "photos";
  useEffect(() => {
    if (!here) slideshow.value = null;
  }, [here]);
  return show && here ? <Playing show={show} /> : null;
}

function Playing({ show }: { show: Show }) {
  const element = useRef<HTMLElement>(null);
  const list = useRef<Playlist>();
  list.current ??= new Playlist(show.photos, (photo) => matches(show.filter, photo));
  const [quiet] = useQuiet(element);
  const [paused, setPaused] = useState(false);
  const [pace, setPace] = useState(() => Number(kept("pace")) || PACE);
  /** The one that is seen, and below it the one that it fades over. */
  const [seen, setSeen] = useState<{ photo: Photo; turn: number; below: Photo | null } | null>(
    null,
  );
  const turn = useRef(0);

  /** A picture is shown when it is decoded, so none is seen half. */
  const go = (by: 1 | -1): void => {
    const photo = list.current!.step(by);
    const mine = ++turn.current;
    if (!photo) return setSeen(null);
    const picture = new Image();
    picture.src = fileUrl(photo.id);
    const ready = (): void => {
      if (mine !== turn.current) return;
      setSeen((before) => ({ photo, turn: mine, below: before?.photo ?? null }));
    };
    picture.decode().then(ready, ready);
  };

  const next = useRef(show.next);
  const asking = useRef(false);
  const askMore = async (): Promise<void> => {
    if (next.current === null || asking.current || list.current!.left > SOON) return;
    asking.current = true;
    try {
      const page = await listPhotos({ ...query(show.filter), before: next.current });
      list.current!.add(page.photos);
      next.current = page.next;
    } catch {
      // What is known begins again; it is asked for at the next turn.
    } finally {
      asking.current = false;
    }
  };
  useEffect(() => {
    if (!seen) return;
    void askMore();
    if (paused) return;
    const timer = setTimeout(() => go(1), pace * 1_000);
    return () => clearTimeout(timer);
  }, [seen, paused, pace]);

  useEffect(() => {
    let judged = 0;
    let turn = Promise.resolve();
    const hear: Parameters<typeof photoListeners.add>[0] = (event) => {
      // One rule says what has a word, and the gallery has it.
      if (event.event !== "stored" || !show.filter.word) return take(event);
      if (judged >= JUDGED || !matches(show.filter, event.photo)) return;
      judged++;
      turn = turn
        .then(() => hasPhoto(show.filter, event.photo))
        .then((has) => has && take(event))
        .catch(() => {})
        .then(() => void judged--);
    };
    const take = (event: PhotoEvent): void => {
      const shown = list.current!.shown?.id ?? null;
      list.current!.hear(event);
      const gone = event.event === "deleted" && event.id === shown;
      if (gone || shown === null) go(1);
    };
    photoListeners.add(hear);
    return () => void photoListeners.delete(hear);
  }, []);

  const end = (): void => void (slideshow.value = null);
  const turnPause = (): void => setPaused((paused) => !paused);
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    element.current!.focus({ preventScroll: true });
    go(1);
    const stop = answerKeys((key) => {
      if (key === "Escape") end();
      else if (key === "ArrowRight") go(1);
      else if (key === "ArrowLeft") go(-1);
      else if (key === "f") toggleFullScreen();
      else if (key === " " && !pressesButton()) turnPause();
      // Nothing below it can be reached.
      return key !== "Tab" && key !== "Enter" && key !== " ";
    });
    return () => {
      stop();
      turn.current = -1;
      before?.focus({ preventScroll: true });
    };
  }, []);

  const { slides, viewer } = words.value;
  const photo = seen && named(seen.photo);
  const who = photo && (photo.person?.name ?? photo.camera_name ?? photo.camera ?? photo.name);
  const when = photo && momentName(photo.taken, Date.now(), words.value);
  return (
    <section
      ref={element}
      class={`viewer slideshow${quiet ? " quiet" : ""}`}
      role="dialog"
      aria-modal="true"
      aria-label={slides.title}
      tabIndex={-1}
    >
      <div class="pic">
        {seen?.below && <img src={fileUrl(seen.below.id)} alt="" />}
        {photo && (
          <img
            key={seen.turn}
            class="now"
            src={fileUrl(photo.id)}
            data-photo={photo.id}
            alt={photo.caption ?? viewer.title}
          />
        )}
      </div>
      <div class="top">
        <Round label={slides.end} icon="back" press={end} />
        <span class="count">{seen ? "" : slides.none}</span>
        <button class="round" aria-label={paused ? slides.go : slides.pause} onClick={turnPause}>
          <Icon name={paused ? "play" : "pause"} />
        </button>
        <span role="group" aria-label={slides.pace}>
          {PACES.map((seconds) => (
            <button
              key={seconds}
              class="word"
              aria-pressed={seconds === pace}
              onClick={() => {
                setPace(seconds);
                keep("pace", `${seconds}`);
              }}
            >
              {words.value.seconds(seconds)}
            </button>
          ))}
        </span>
      </div>
      {photo && (
        <div class="foot">
          {photo.caption && <p class="caption">{photo.caption}</p>}
          <span class="by">{who ? `${who}, ${when}` : when}</span>
        </div>
      )}
    </section>
  );
}
