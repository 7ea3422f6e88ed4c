// A day played as a film: its own photos one after the other, from the first to the last.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fileUrl, listPhotos } from "../../net/api";
import { Icon } from "../../page/icon";
import { answerKeys, pressesButton } from "../../page/keys/keys";
import { complain } from "../../page/notices/toast";
import { Round } from "../../page/round-button";
import { room } from "../../page/route";
import { dayName, timeName } from "../../words/dates";
import { words } from "../../words/language";
import { query, type Filter } from "../filter/filter";
import type { Day, Photo } from "../photo";
import { sizeName } from "../viewer/facts";
import { download } from "../zip/zip";
import { Player } from "./player";

const RATES = [5, 10, 25];
/** The most photos of a film. */
const MOST = 20_000;
/** How many of them the scrubber shows. */
const SHOWN = 12;
const HOUR = 3_600_000;

interface Film {
  day: Day;
  /** The first one first. */
  photos: readonly Photo[];
}

/** What is played; null while nothing is. */
export const film = signal<Film | null>(null);

export async function playDay(day: Day, filter: Filter): Promise<void> {
  const asked = { ...query(filter), from: `${day.start}`, to: `${day.end}` };
  const photos: Photo[] = [];
  try {
    let next: string | null = null;
    do {
      const page = await listPhotos(next === null ? asked : { ...asked, before: next });
      photos.push(...page.photos);
      next = page.next;
    } while (next !== null && photos.length < MOST);
  } catch {
    return complain(words.value.photosAway, words.value.photosAwayHelp);
  }
  if (photos.length > 0) film.value = { day, photos: photos.reverse() };
}

export function DayFilm() {
  const shown = film.value;
  const here = room.value === "photos";
  useEffect(() => {
    if (!here) film.value = null;
  }, [here]);
  return shown && here ? <Playing film={shown} /> : null;
}

function Playing({ film: { day, photos } }: { film: Film }) {
  const element = useRef<HTMLElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const player = useRef<Player | null>(null);
  const [at, setAt] = useState(0);
  const [rate, setRate] = useState(10);
  const [playing, setPlaying] = useState(true);
  const [taking, setTaking] = useState(false);
  useEffect(() => {
    const made = (player.current = new Player(canvas.current!, photos, (at, ended) => {
      setAt(at);
      if (ended) setPlaying(false);
    }));
    return () => made.close();
  }, [photos]);
  useEffect(() => player.current?.play(playing ? rate : 0), [playing, rate, photos]);

  const end = (): void => void (film.value = null);
  const go = (to: number): void => player.current?.go(to);
  const turn = (): void => {
    if (!playing && at >= photos.length - 1) go(0);
    setPlaying(!playing);
  };
  /** To the first photo that was taken an hour later, or earlier. */
  const hour = (by: 1 | -1): void => {
    const to = photos[at]!.taken + by * HOUR;
    const later = photos.findIndex(({ taken }) => taken >= to);
    go(later < 0 ? photos.length - 1 : later);
  };
  const faster = (by: 1 | -1): void => setRate(RATES[RATES.indexOf(rate) + by] ?? rate);
  const now = useRef({ turn, faster, go, at });
  now.current = { turn, faster, go, at };
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    element.current!.focus({ preventScroll: true });
    const stop = answerKeys((key) => {
      const { turn, faster, go } = now.current;
      if (key === "Escape") end();
      else if (key === " " && !pressesButton()) turn();
      else if (key === "<") faster(-1);
      else if (key === ">") faster(1);
      else if (key === "d") setTaking(true);
      else if (key === "ArrowRight" || key === "ArrowLeft") {
        setPlaying(false);
        go((player.current?.at ?? 0) + (key === "ArrowRight" ? 1 : -1));
      }
      // Nothing below it can be reached.
      return key !== "Tab" && key !== "Enter" && key !== " ";
    });
    return () => {
      stop();
      before?.focus({ preventScroll: true });
    };
  }, []);

  const { slides, film: said, countPhotos, figures } = words.value;
  const photo = photos[at]!;
  const numbers = new Intl.NumberFormat(figures);
  const many = countPhotos(photos.length, numbers.format(photos.length));
  return (
    <section
      ref={element}
      class="viewer dayfilm"
      role="dialog"
      aria-modal="true"
      aria-label={said.title}
      tabIndex={-1}
      onKeyDown={(event) => {
        // The scrubber has the arrows; what else it is typed goes on.
        const scrubs = event.target instanceof HTMLInputElement;
        if (scrubs && event.key === "Escape") return end();
        if (scrubs && event.key === " ") return turn();
        if (!event.shiftKey || !/^Arrow(Left|Right)$/.test(event.key)) return;
        event.preventDefault();
        hour(event.key === "ArrowRight" ? 1 : -1);
      }}
    >
      <div class="top">
        <Round label={said.end} icon="back" press={end} />
        <span class="count">{`${dayName(day.start, Date.now(), words.value)}, ${many}`}</span>
        <TakeAway photos={photos} many={many} open={taking} setOpen={setTaking} />
      </div>
      <canvas ref={canvas} data-at={at} role="img" aria-label={photo.caption ?? said.title} />
      <div class="scrub">
        <button class="round" aria-label={playing ? slides.pause : slides.go} onClick={turn}>
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <Scrubber photos={photos} at={at} go={go} />
        <div class="rates" role="group" aria-label={said.speed}>
          {RATES.map((each) => (
            <button
              key={each}
              class="round"
              aria-pressed={each === rate}
              aria-label={said.rate(each)}
              onClick={() => setRate(each)}
            >
              {each}
            </button>
          ))}
          <span>{said.aSecond}</span>
        </div>
        <time>{timeName(photo.taken, words.value)}</time>
      </div>
    </section>
  );
}

interface TakeAwayProps {
  photos: readonly Photo[];
  many: string;
  open: boolean;
  setOpen: (open: boolean) => void;
}

/** How the day can be taken away, with its size. */
function TakeAway({ photos, many, open, setOpen }: TakeAwayProps) {
  const root = useRef<HTMLDivElement>(null);
  const { zip, viewer, figures } = words.value;
  const shut = (): void => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  useLayoutEffect(() => {
    if (!open) return;
    root.current!.querySelector<HTMLElement>("[role=menuitem]")!.focus();
    const outside = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    const stop = answerKeys((key) => {
      if (key === "Escape") shut();
      return key === "Escape";
    });
    return () => {
      removeEventListener("pointerdown", outside);
      stop();
    };
  }, [open]);
  const bytes = photos.reduce((sum, photo) => sum + photo.bytes, 0);
  return (
    <div ref={root} class="away">
      <button
        class="round"
        aria-label={viewer.download}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="down" />
      </button>
      {open && (
        <div class="menu" role="menu" aria-label={viewer.download}>
          <button
            role="menuitem"
            onClick={() => {
              shut();
              download(photos);
            }}
          >
            <b>{zip.as}</b>
            <span class="v">{sizeName(bytes, figures)}</span>
            <small>{zip.asHelp(many, photos.length === 1)}</small>
          </button>
        </div>
      )}
    </div>
  );
}

interface ScrubberProps {
  photos: readonly Photo[];
  at: number;
  go: (to: number) => void;
}

/** The film itself, to point into; above it the photo that is pointed at. */
function Scrubber({ photos, at, go }: ScrubberProps) {
  const [peek, setPeek] = useState<number | null>(null);
  const last = photos.length - 1;
  const shown = Math.min(SHOWN, photos.length);
  const parts = Array.from(
    { length: shown },
    (_, i) => photos[Math.floor((i * photos.length) / shown)]!,
  );
  const pointed = peek === null ? null : photos[peek];
  const place = (of: number): string => `${last > 0 ? (of / last) * 100 : 0}%`;
  const { film: said, figures } = words.value;
  const numbers = new Intl.NumberFormat(figures);
  const time = (photo: Photo): string => timeName(photo.taken, words.value);
  return (
    <div class="wrap">
      <div class="frames" style={{ "--at": place(at) }}>
        {parts.map(({ id }) => (
          <img key={id} src={fileUrl(id, "/thumb")} alt="" decoding="async" draggable={false} />
        ))}
        <input
          type="range"
          min="0"
          max={last}
          step="1"
          value={at}
          aria-label={said.place}
          aria-valuetext={`${time(photos[at]!)}, ${said.photo(numbers.format(at + 1))}`}
          onInput={({ currentTarget }) => go(Number(currentTarget.value))}
          onPointerMove={({ clientX, currentTarget }) => {
            const { left, width } = currentTarget.getBoundingClientRect();
            const share = Math.min(1, Math.max(0, (clientX - left) / width));
            setPeek(Math.round(share * last));
          }}
          onPointerLeave={() => setPeek(null)}
        />
      </div>
      {pointed && (
        <div class="peek" style={{ left: place(peek!) }} aria-hidden="true">
          <img src={fileUrl(pointed.id, "/thumb")} alt="" />
          <span>{`${time(pointed)}, ${said.photo(numbers.format(peek! + 1))}`}</span>
        </div>
      )}
      <div class="ends" aria-hidden="true">
        {[photos[0]!, photos[last >> 1]!, photos[last]!].map((photo, i) => (
          <span key={i}>{time(photo)}</span>
        ))}
      </div>
    </div>
  );
}
