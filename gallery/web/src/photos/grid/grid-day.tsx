// One day of the grid: its heading, and those of its photos that are near the view.

import { useEffect, useMemo, useState } from "preact/hooks";
import { fileUrl } from "../../net/api";
import { Icon } from "../../page/icon";
import { view as open } from "../../page/route";
import { tick } from "../../page/tick";
import { dayWords, timeName } from "../../words/dates";
import { words } from "../../words/language";
import { sentence } from "../../words/words";
import { NEW, type Album } from "../album/album";
import { named } from "../camera-name";
import { cursor } from "../album/current-album";
import { playDay } from "../film/film";
import { picked, pickedOfDay, pickDay } from "../select/selection";
import type { Slab } from "./day-list";
import type { Photo } from "../photo";
import { boxesOf, type Measure, type Row } from "./rows";

interface DayProps {
  slab: Slab;
  rows: Row[];
  measure: Measure;
  head: number;
  racing: boolean;
  tabbed: string | null;
  album: Album;
}

export function DaySection({ slab, rows, measure, head, racing, tabbed, album }: DayProps) {
  const { day, photos, aspects, rest, top, height } = slab;
  const { countPhotos, someOf, countCameras, film, select, figures } = words.value;
  // At midnight today becomes yesterday.
  const { title, more } = dayWords(day.start, tick.value - (tick.value % 60_000), words.value);
  const numbers = new Intl.NumberFormat(figures);
  const { count, of = count } = day;
  const many =
    count < of
      ? someOf(numbers.format(count), countPhotos(of, numbers.format(of)))
      : countPhotos(count, numbers.format(count));
  const facts = [sentence(more), many];
  if (day.cameras > 0) facts.push(countCameras(day.cameras, numbers.format(day.cameras)));
  const now = Date.now();
  return (
    <section
      class="day"
      aria-label={title}
      data-day={day.day}
      style={{ top: `${top}px`, height: `${height}px` }}
    >
      <header style={{ height: `${head}px` }}>
        <h2>{title}</h2>
        <span class="facts">{facts.join(", ")}</span>
        {picked.value ? (
          <button
            class="word push"
            aria-pressed={(pickedOfDay.value.get(day.day) ?? 0) >= day.count}
            onClick={() => void pickDay(album, day)}
          >
            <Icon name="pick" />
            <span>{select.day}</span>
          </button>
        ) : (
          <button class="word push play" onClick={() => void playDay(day, album.filter)}>
            <Icon name="play" />
            <span>{film.play}</span>
          </button>
        )}
      </header>
      <ol class="grid" role="list">
        {rows.map((row) =>
          boxesOf(row, aspects, measure).map((box, i) => {
            const photo = photos[row.from + i];
            if (!photo) return null;
            const came = album.fresh.get(photo.id)?.came ?? 0;
            const chosen = picked.value?.has(photo.id) ?? false;
            const kind = [now - came < NEW && "new", chosen && "picked"].filter(Boolean).join(" ");
            return (
              <li
                key={photo.id}
                class={kind || undefined}
                style={{
                  left: `${box.x}px`,
                  top: `${box.y}px`,
                  width: `${box.width}px`,
                  height: `${box.height}px`,
                }}
              >
                <Cell photo={photo} racing={racing} tabbed={photo.id === tabbed} chosen={chosen} />
              </li>
            );
          }),
        )}
      </ol>
      {rest > 0 && <div class="rest" style={{ height: `${rest}px` }} />}
    </section>
  );
}

/** Thumbnails shown lately do not fade in again. */
const there = new Set<string>();
const LATELY = 2_000;

interface CellProps {
  photo: Photo;
  racing: boolean;
  tabbed: boolean;
  chosen: boolean;
}

function Cell({ photo, racing, tabbed, chosen }: CellProps) {
  const { camera_name } = named(photo);
  const [shown, setShown] = useState(there.has(photo.id));
  // While the view scrolls fast, it loads nothing.
  const [asked, setAsked] = useState(!racing || shown);
  useEffect(() => {
    if (!racing) setAsked(true);
  }, [racing]);
  // Returning the same element saves a comparison while the page scrolls.
  return useMemo(() => {
    const { photoOf, pinnedMark, select } = words.value;
    const time = timeName(photo.taken, words.value);
    const label = photoOf(photo.caption ?? camera_name ?? photo.person?.name ?? "", time);
    return (
      <>
        <a
          href={`#/photo/${photo.id}`}
          data-photo={photo.id}
          tabIndex={tabbed ? 0 : -1}
          aria-label={[label, photo.pinned && pinnedMark, chosen && select.picked]
            .filter(Boolean)
            .join(", ")}
          onFocus={() => (cursor.value = photo.id)}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            open(photo.id);
          }}
        >
          {asked && (
            <img
              src={fileUrl(photo.id, "/thumb")}
              class={shown ? "there" : undefined}
              alt=""
              decoding="async"
              draggable={false}
              onLoad={() => {
                if (there.size >= LATELY) there.clear();
                there.add(photo.id);
                setShown(true);
              }}
            />
          )}
          <time>{time}</time>
          {photo.pinned && (
            <span class="pinned">
              <Icon name="pin" />
            </span>
          )}
        </a>
        <button
          class="pick"
          role="checkbox"
          aria-checked={chosen}
          aria-label={select.pick(label)}
          tabIndex={-1}
        />
      </>
    );
  }, [photo, camera_name, tabbed, chosen, asked, shown, words.value]);
}
