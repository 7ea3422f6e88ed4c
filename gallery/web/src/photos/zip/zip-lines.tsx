// The lines of ZIPs in the panel: how far each is, and how long it still takes.

import { Round } from "../../page/round-button";
import { dayWords } from "../../words/dates";
import { words } from "../../words/language";
import type { Words } from "../../words/words";
import { dayOf } from "../album/merge";
import type { Photo } from "../photo";
import { sizeName } from "../viewer/facts";
import { again, cancel, forget, type Zip } from "./zip";

export function ZipLines({ zip }: { zip: Zip }) {
  const { token, fate, progress, photos, said } = zip;
  const { zip: say, uploads, select } = words.value;
  const part = progress ? progress.bytes.sent / progress.bytes.of : 0;
  const name = progress?.name ?? say.waits;
  return (
    <>
      <h3>
        {say.of(whatOf(photos, words.value))}
        <Round
          label={uploads.hide}
          icon="close"
          press={() => (fate === "coming" ? void cancel(token) : forget(token))}
        />
      </h3>
      <ol role="list">
        <li class={fate === "failed" ? "failed" : undefined}>
          <span class="n">{name}</span>
          <span class="v">{stateOf(zip, words.value)}</span>
          {fate === "failed" ? (
            <span class="e">
              {said || say.failedHelp}
              <button class="word" onClick={() => again(zip)}>
                {uploads.tryAgain}
              </button>
            </span>
          ) : (
            <span
              class="line"
              role="progressbar"
              aria-label={name}
              aria-valuenow={Math.floor(part * 100)}
            >
              <i style={{ width: `${part * 100}%` }} />
            </span>
          )}
        </li>
        {fate === "coming" && (
          <li>
            <span class="v">{progress ? amount(progress, words.value) : ""}</span>
            <button class="word" onClick={() => void cancel(token)}>
              {select.cancel}
            </button>
          </li>
        )}
      </ol>
    </>
  );
}

/** `Today and Yesterday`, or how many photos of more days. */
export function whatOf(photos: readonly Photo[], words: Words): string {
  const starts = new Set(photos.map(({ taken }) => dayOf(taken).start));
  const days = [...starts].sort((a, b) => b - a);
  const titles = days.slice(0, 2).map((start) => dayWords(start, Date.now(), words).title);
  const [one, other] = titles;
  if (days.length > 2 || one === undefined) return photosIn(photos.length, words);
  return other === undefined ? one : words.zip.both(one, other);
}

function stateOf({ fate, progress, began }: Zip, { zip: say, ...words }: Words): string {
  if (fate === "done") return say.done;
  if (fate === "failed") return say.failed;
  if (!progress) return "";
  const { sent, of } = progress.bytes;
  const percent = words.uploads.percent(Math.min(99, Math.floor((sent / of) * 100)));
  const took = Date.now() - began;
  // The first bytes say little of how fast it is.
  if (took < 1_500 || sent === 0) return percent;
  const left = Math.max(1, Math.round(((took / sent) * (of - sent)) / 1_000));
  const time =
    left < 90
      ? words.seconds(left)
      : left < 5400
        ? words.minutes(Math.round(left / 60))
        : words.hours(Math.round(left / 3600));
  return say.left(percent, time);
}

/** `10 of 23 photos, 27 of 64 MB`. */
function amount({ bytes, photos }: NonNullable<Zip["progress"]>, words: Words): string {
  const { zip: say, figures } = words;
  const sent = new Intl.NumberFormat(figures).format(photos.sent);
  const all = sizeName(bytes.of, figures);
  const size = sizeName(bytes.sent, figures);
  // The unit is said once if both have it.
  const [number = "", unit] = size.split(" ");
  return [
    say.photos(sent, photosIn(photos.of, words)),
    say.size(all.endsWith(` ${unit}`) ? number : size, all),
  ].join(", ");
}

function photosIn(n: number, { countPhotos, figures }: Words): string {
  return countPhotos(n, new Intl.NumberFormat(figures).format(n));
}
