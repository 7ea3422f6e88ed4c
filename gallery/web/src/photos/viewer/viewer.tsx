// One photo over everything: the picture, actions above it, caption and origin below.

import { seesAll } from "../../door/denied";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { closeViewer, room, toPhotos, view, viewed } from "../../page/route";
import { Round } from "../../page/round-button";
import { keep, kept } from "../../page/storage";
import { complain } from "../../page/notices/toast";
import { words } from "../../words/language";
import { Caption } from "./caption";
import { album, cursor } from "../album/current-album";
import type { Photo } from "../photo";
import { useNeed, usePhoto } from "./shown-photo";
import type { Slides } from "./slides";
import { Acts } from "./viewer-acts";
import { paddingOf, useBars, useQuiet } from "./viewer-bars";
import { Facts } from "./viewer-facts";
import { useKeys } from "./viewer-keys";

/** Stays until the photo has gone back to its place. */
export function Viewer() {
  const id = viewed.value;
  const [here, setHere] = useState(0);
  const visit = useRef(0);
  useEffect(() => {
    if (id !== null && here === 0) setHere(++visit.current);
  }, [id !== null, here]);
  const closed = (): void => {
    setHere(0);
    // The grid takes the focus itself.
    const link = document.querySelector<HTMLElement>(`.strip [data-photo="${cursor.value}"] a`);
    if (room.value === "wall" && viewed.value === null) link?.focus({ preventScroll: true });
  };
  if (here === 0) return null;
  return <Open key={here} id={id} closed={closed} />;
}

function Open({ id, closed }: { id: string | null; closed: () => void }) {
  const element = useRef<HTMLElement>(null);
  const pic = useRef<HTMLDivElement>(null);
  const slides = useRef<Slides | null>(null);
  const loading = useRef(false);
  const [facts, setFacts] = useState(kept("facts") === "on");
  const [quiet, stir] = useQuiet(element);
  const { photo, index, total, gone } = usePhoto(id);

  // PhotoSwipe calls these later and must see the state of that time.
  const now = useRef({ photo, index, total, closed });
  now.current = { photo, index, total, closed };
  const waiting = useRef<number | null>(null);

  const photoAt = (at: number): Photo | null => {
    const { photo, index } = now.current;
    if (at === (index ?? 0)) return photo;
    return index === null ? null : (album.peek()?.photoAt(at) ?? null);
  };
  const [, again] = useState(0);
  const changed = (at: number): void => {
    if (at === (now.current.index ?? 0)) return;
    const next = photoAt(at);
    waiting.current = next ? null : at;
    if (next) view(next.id);
    else again((n) => n + 1);
  };

  useNeed(photo, index, waiting.current);
  useEffect(() => {
    const next = waiting.current === null ? null : album.value?.photoAt(waiting.current);
    if (!next) return;
    waiting.current = null;
    view(next.id);
  });

  useEffect(() => {
    if (!photo || slides.current || loading.current) return;
    loading.current = true;
    const load = async (): Promise<void> => {
      const { Slides } = await import("./slides").finally(() => (loading.current = false));
      if (!pic.current || viewed.peek() === null) return now.current.closed();
      slides.current = new Slides({
        element: pic.current,
        index: now.current.index ?? 0,
        count: () => (now.current.index === null ? 1 : now.current.total),
        photo: photoAt,
        thumb: ({ id }) => thumbOf(id),
        padding: () => paddingOf(element.current),
        broken: words.peek().viewer.broken,
        changed,
        tapped: stir,
        closing: closeViewer,
        closed: () => {
          slides.current = null;
          now.current.closed();
        },
      });
    };
    load().catch(() => complain(words.peek().viewer.broken, words.peek().noAnswer));
  }, [photo === null]);

  useEffect(() => {
    if (id === null) {
      if (slides.current) slides.current.close();
      else if (!loading.current) closed();
    } else {
      cursor.value = id;
      if (waiting.current === null) slides.current?.sync(index ?? 0);
    }
  });
  useBars(element, () => slides.current?.resized(), `${photo?.id ?? ""} ${facts}`);
  useLayoutEffect(() => element.current!.focus({ preventScroll: true }), []);
  useEffect(() => () => slides.current?.close(), []);

  const turnFacts = (): void => {
    keep("facts", facts ? "off" : "on");
    setFacts(!facts);
  };
  useKeys(slides, photo, turnFacts, element);

  const { viewer, figures } = words.value;
  const numbers = new Intl.NumberFormat(figures);
  const position =
    index === null ? "" : viewer.position(numbers.format(index + 1), numbers.format(total));
  const still = quiet || id === null;
  return (
    <section
      ref={element}
      class={`viewer${still ? " quiet" : ""}${facts ? " telling" : ""}${id === null ? " closing" : ""}`}
      role="dialog"
      aria-modal="true"
      aria-label={photo?.caption ?? viewer.title}
      tabIndex={-1}
    >
      <div ref={pic} class="pic" />
      {gone && <Gone />}
      <div class="top">
        <Round label={viewer.back} icon="back" press={closeViewer} />
        <span class="count">{position}</span>
        {photo && <Acts photo={photo} facts={facts} turnFacts={turnFacts} />}
      </div>
      {photo && index !== null && <Beside index={index} total={total} slides={slides} />}
      {photo && (
        <div class="foot">
          <Caption key={photo.id} photo={photo} />
        </div>
      )}
      {photo && facts && <Facts photo={photo} />}
    </section>
  );
}

interface BesideProps {
  index: number;
  total: number;
  slides: { current: Slides | null };
}

/** Previous and next buttons for a mouse; a finger swipes. */
function Beside({ index, total, slides }: BesideProps) {
  const { viewer } = words.value;
  const turn = (by: 1 | -1) => () => slides.current?.step(by);
  return (
    <>
      {index > 0 && (
        <div class="beside before">
          <Round label={viewer.previous} icon="back" press={turn(-1)} />
        </div>
      )}
      {index < total - 1 && (
        <div class="beside after">
          <Round label={viewer.next} icon="next" press={turn(1)} />
        </div>
      )}
    </>
  );
}

function Gone() {
  const { viewer, denied } = words.value;
  return (
    <div class="hollow">
      <h1>{seesAll() ? viewer.gone : denied.title}</h1>
      {seesAll() && <p>{viewer.goneHelp}</p>}
      <button class="pill" onClick={toPhotos}>
        {viewer.toPhotos}
      </button>
    </div>
  );
}

/** Its thumbnail, if it is in view. */
function thumbOf(id: string): Element | null {
  for (const thumb of document.querySelectorAll(`[data-photo="${id}"] img`)) {
    const { top, bottom, width } = thumb.getBoundingClientRect();
    if (width > 0 && bottom > 0 && top < innerHeight) return thumb;
  }
  return null;
}
