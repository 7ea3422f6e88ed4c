// One photo over all: the picture, above it what can be done, below it caption and origin.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fileUrl, onePhoto, Refusal } from "../net/api";
import { copy } from "../page/clipboard";
import { momentName } from "../words/dates";
import { change, remove } from "./edits";
import { factsOf } from "./facts";
import { Icon } from "../page/icon";
import { keep, kept } from "../page/storage";
import { answerKeys } from "../page/keys";
import { words } from "../words/language";
import { dayOf } from "./merge";
import type { Photo } from "./photo";
import { Round } from "../page/round-button";
import { closeViewer, room, toPhotos, view, viewed } from "../page/route";
import { album, cursor } from "./current-album";
import type { Slides } from "./slides";
import { last } from "../wall/strip";
import { complain, show } from "../page/toast";

const QUIET = 3_000;
const CAPTION = 500;

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

  // What PhotoSwipe asks for is what is true at that time.
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

  const { viewer, locale } = words.value;
  const numbers = new Intl.NumberFormat(locale);
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
      {photo && (
        <div class="foot">
          <Below key={photo.id} photo={photo} />
        </div>
      )}
      {photo && facts && <Facts photo={photo} />}
    </section>
  );
}

interface Seen {
  photo: Photo | null;
  /** Its place of all; null while that is not known. */
  index: number | null;
  total: number;
  /** There is no such photo. */
  gone: boolean;
}

/** The photo of this id; when it is deleted the next one takes its place. */
function usePhoto(id: string | null): Seen {
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

  // On its way back to its place it is still that photo.
  if (known) before.current = known;
  const photo = known ?? (id === null || lost ? before.current : null);
  return { photo, index, total: shown?.total.value ?? 0, gone: gone !== null && gone === id };
}

/** The photo's day is loaded, and what lies beside it. */
function useNeed(photo: Photo | null, index: number | null, waiting: number | null): void {
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

/** Tells when the bars below have another size; on a phone one stands on the other. */
function useBars(element: { current: HTMLElement | null }, resized: () => void, bars: string) {
  useLayoutEffect(() => {
    const side = element.current!.querySelector<HTMLElement>(".side");
    const foot = element.current!.querySelector<HTMLElement>(".foot");
    const observer = new ResizeObserver(() => {
      element.current?.style.setProperty("--told", `${side?.offsetHeight ?? 0}px`);
      resized();
    });
    for (const bar of [side, foot]) if (bar) observer.observe(bar);
    resized();
    return () => observer.disconnect();
  }, [bars]);
}

/** Bars fade after a while without a sign of life. */
function useQuiet(element: { current: HTMLElement | null }): [boolean, () => void] {
  const [quiet, setQuiet] = useState(false);
  const turn = useRef(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const used = (): boolean =>
      element.current?.querySelector(
        ":is(.top,.foot,.side):hover, :is(.top,.foot) :focus-visible",
      ) != null;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => (used() ? wait() : setQuiet(true)), QUIET);
    };
    const alive = (event?: Event): void => {
      // A finger on the picture turns the bars on and off.
      if (event instanceof PointerEvent && event.pointerType === "touch") return;
      setQuiet(false);
      wait();
    };
    turn.current = () => {
      setQuiet((quiet) => !quiet);
      wait();
    };
    for (const sign of ["pointermove", "pointerdown", "keydown", "focusin"]) {
      addEventListener(sign, alive, { passive: true });
    }
    alive();
    return () => {
      clearTimeout(timer);
      for (const sign of ["pointermove", "pointerdown", "keydown", "focusin"]) {
        removeEventListener(sign, alive);
      }
    };
  }, []);
  return [quiet, () => turn.current()];
}

function useKeys(
  slides: { current: Slides | null },
  photo: Photo | null,
  turnFacts: () => void,
  element: { current: HTMLElement | null },
): void {
  const now = useRef({ photo, turnFacts });
  now.current = { photo, turnFacts };
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        const { photo, turnFacts } = now.current;
        if (viewed.value === null) return false;
        if (key === "Escape") closeViewer();
        else if (key === "ArrowLeft") slides.current?.step(-1);
        else if (key === "ArrowRight") slides.current?.step(1);
        else if (key === "+" || key === "=") slides.current?.zoom(1);
        else if (key === "-") slides.current?.zoom(-1);
        else if (key === "0") slides.current?.zoom(0);
        else if (key === "i") turnFacts();
        else if (!photo) return false;
        else if (key === "d") element.current?.querySelector<HTMLElement>("a[download]")?.click();
        else if (key === "l") void copyLink(photo);
        else if (key === "p") void change(photo, { pinned: !photo.pinned });
        else if (key === "Delete") void remove(photo);
        else return false;
        return true;
      }),
    [],
  );
}

async function copyLink({ id }: Photo): Promise<void> {
  const url = new URL(`#/photo/${id}`, document.baseURI).href;
  const { viewer } = words.value;
  if (await copy(url)) show({ text: viewer.linkCopied });
  else prompt(viewer.linkIs, url);
}

interface ActsProps {
  photo: Photo;
  facts: boolean;
  turnFacts: () => void;
}

function Acts({ photo, facts, turnFacts }: ActsProps) {
  const { viewer } = words.value;
  const pinned = photo.pinned ?? false;
  return (
    <>
      <a class="round" href={fileUrl(photo.id, "?download")} download aria-label={viewer.download}>
        <Icon name="down" />
      </a>
      <Round label={viewer.link} icon="link" press={() => void copyLink(photo)} />
      <button
        class="round"
        aria-label={pinned ? viewer.unpin : viewer.pin}
        aria-pressed={pinned}
        onClick={() => void change(photo, { pinned: !pinned })}
      >
        <Icon name="pin" />
      </button>
      <Round label={viewer.remove} icon="bin" press={() => void remove(photo)} />
      <button
        class="round"
        aria-label={viewer.facts}
        aria-expanded={facts}
        onClick={(event) => {
          event.currentTarget.focus();
          turnFacts();
        }}
      >
        <Icon name="info" />
      </button>
    </>
  );
}

function Below({ photo }: { photo: Photo }) {
  const [writing, setWriting] = useState(false);
  const { viewer } = words.value;
  const who = photo.person?.name ?? photo.camera_name ?? photo.camera ?? photo.name;
  const when = momentName(photo.taken, Date.now(), words.value);
  const save = (text: string): void => {
    setWriting(false);
    const caption = text.trim().replace(/\s+/g, " ").slice(0, CAPTION);
    if (caption !== (photo.caption ?? "")) void change(photo, { caption });
  };
  return (
    <>
      {writing ? (
        <Write text={photo.caption ?? ""} save={save} />
      ) : (
        <button
          class={photo.caption ? "caption" : "caption empty"}
          aria-label={photo.caption ? `${viewer.caption}: ${photo.caption}` : undefined}
          onClick={() => setWriting(true)}
        >
          {photo.caption || viewer.write}
        </button>
      )}
      <span class="by">{who ? `${who}, ${when}` : when}</span>
    </>
  );
}

interface WriteProps {
  text: string;
  save: (text: string) => void;
}

function Write({ text, save }: WriteProps) {
  const field = useRef<HTMLInputElement>(null);
  // What is typed at once goes into it: an effect would come after the next frame.
  useLayoutEffect(() => {
    field.current!.focus();
    field.current!.select();
  }, []);
  return (
    <input
      ref={field}
      class="caption"
      aria-label={words.value.viewer.caption}
      defaultValue={text}
      maxLength={CAPTION}
      onBlur={(event) => save(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.stopPropagation();
        // What is left is saved, so after Esc it is as it was.
        if (event.key === "Escape") event.currentTarget.value = text;
        event.currentTarget.closest<HTMLElement>(".viewer")?.focus({ preventScroll: true });
      }}
    />
  );
}

function Facts({ photo }: { photo: Photo }) {
  const [exif, setExif] = useState<Record<string, string>>({});
  useEffect(() => {
    const stop = new AbortController();
    setExif({});
    onePhoto(photo.id, stop.signal)
      .then(({ exif }) => setExif(exif))
      // What the list said of it is there to be read all the same.
      .catch(() => {});
    return () => stop.abort();
  }, [photo.id]);
  return (
    <aside class="side">
      <dl>
        {factsOf(photo, exif, words.value).map(({ name, lines }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {lines.map((line) => (
                <span key={line}>{line}</span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}

function Gone() {
  const { viewer } = words.value;
  return (
    <div class="hollow">
      <h1>{viewer.gone}</h1>
      <p>{viewer.goneHelp}</p>
      <button class="pill" onClick={toPhotos}>
        {viewer.toPhotos}
      </button>
    </div>
  );
}

/** Its small picture, if it is in view. */
function thumbOf(id: string): Element | null {
  for (const thumb of document.querySelectorAll(`[data-photo="${id}"] img`)) {
    const { top, bottom, width } = thumb.getBoundingClientRect();
    if (width > 0 && bottom > 0 && top < innerHeight) return thumb;
  }
  return null;
}

/** What the bars take of the window; with the facts at the side the picture moves over. */
function paddingOf(element: HTMLElement | null) {
  const size = (part: string): DOMRect | undefined =>
    element?.querySelector(part)?.getBoundingClientRect();
  const side = size(".side");
  const beside = side !== undefined && side.left > 0;
  const foot = Math.max(0, innerHeight - (size(".foot")?.top ?? innerHeight));
  return {
    top: size(".top")?.height ?? 0,
    bottom: foot,
    left: 0,
    right: beside ? side.width : 0,
  };
}
