// The panel with the state of each upload, and of each ZIP.

import { computed, effect } from "@preact/signals";
import { link } from "../../net/gallery";
import { tellAll } from "../../page/notices/announce";
import { Round } from "../../page/round-button";
import { view } from "../../page/route";
import { words } from "../../words/language";
import type { Words } from "../../words/words";
import { ZipLines } from "../zip/zip-lines";
import { zips } from "../zip/zip";
import { ended, type Fate, type Obstacle, type Upload } from "./upload-queue";
import { chooseFiles, hidden, queue } from "./uploads";

/** How long the panel stays after the last success, and when it leads to an existing photo. */
const STAYS = 4_000;
const STAYS_WITH_LINK = 12_000;
const MIB = 1024 * 1024;

const open = computed(() => !hidden.value && queue.uploads.value.length > 0);

let closing: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const uploads = queue.uploads.value;
  clearTimeout(closing);
  if (uploads.length === 0 || !uploads.every(({ fate }) => ended(fate))) return;
  const { stored, already } = count(uploads);
  tellAll(summary(uploads, words.peek()));
  // A failure is never hidden.
  if (stored < uploads.length) hidden.value = false;
  else closing = setTimeout(() => queue.clear(), already > 0 ? STAYS_WITH_LINK : STAYS);
});

/** How many ended in which way; `already` of the stored ones existed before. */
function count(uploads: readonly Upload[]): { stored: number; already: number; failed: number } {
  const stored = uploads.filter(({ fate }) => fate.is === "stored").length;
  const already = uploads.filter(({ fate }) => fate.is === "stored" && fate.already).length;
  const failed = uploads.filter(({ fate }) => fate.is === "failed").length;
  return { stored, already, failed };
}

function summary(uploads: readonly Upload[], { uploads: say }: Words): string {
  const { stored, already, failed } = count(uploads);
  const parts = [
    stored > already ? say.added(stored - already) : "",
    already > 0 ? say.alreadyAll(already) : "",
    failed > 0 ? say.notAddedAll(failed) : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** What is brought, and what is taken away. */
export function Loads() {
  const zip = words.value.zip.title;
  if (!open.value && zips.value.length === 0) return null;
  return (
    <section class="loads" aria-label={open.value ? words.value.addPhotos : zip}>
      {open.value && <Uploads />}
      {zips.value.map((zip) => (
        <ZipLines key={zip.token} zip={zip} />
      ))}
    </section>
  );
}

function Uploads() {
  const uploads = queue.uploads.value;
  const { uploads: say } = words.value;
  const done = uploads.every(({ fate }) => ended(fate));
  const title = done ? summary(uploads, words.value) : say.adding(uploads.length);
  return (
    <>
      <h3>
        {title}
        <Round
          label={say.hide}
          icon="close"
          press={() => {
            hidden.value = true;
            queue.clear();
          }}
        />
      </h3>
      <ol role="list">
        {uploads.map((upload) => (
          <Line key={upload.key} upload={upload} />
        ))}
      </ol>
    </>
  );
}

function Line({ upload: { key, file, fate } }: { upload: Upload }) {
  const failed = fate.is === "failed";
  const part = fate.is === "sending" ? fate.part : fate.is === "stored" ? 1 : 0;
  return (
    <li class={failed ? "failed" : fate.is === "stored" && !fate.already ? "done" : undefined}>
      <span class="n">{file.name}</span>
      <span class="v">
        {fate.is === "stored" && fate.already ? <Already id={fate.id} /> : state(fate, words.value)}
      </span>
      {failed ? (
        <span class="e">
          {reason(fate, file, words.value)}
          <Remedy key={key} upload={key} obstacle={fate} />
        </span>
      ) : (
        <span
          class="line"
          role="progressbar"
          aria-label={file.name}
          aria-valuenow={Math.round(part * 100)}
        >
          <i style={{ width: `${part * 100}%` }} />
        </span>
      )}
    </li>
  );
}

/** Leads to the same photo, which existed before. */
function Already({ id }: { id: string }) {
  return (
    <a
      href={`#/photo/${id}`}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        view(id);
      }}
    >
      {words.value.uploads.already}
    </a>
  );
}

function Remedy({ upload, obstacle }: { upload: number; obstacle: Obstacle }) {
  const { uploads: say } = words.value;
  const [word, act] = ((): [string, () => void] => {
    switch (obstacle.why) {
      case "large":
        return [say.smaller, () => void queue.smaller(upload)];
      case "full":
      case "away":
        return [say.tryAgain, () => queue.again(upload)];
      case "kind":
        if (obstacle.readable) return [say.asJpeg, () => void queue.smaller(upload)];
    }
    const another = (): void => {
      queue.remove(upload);
      chooseFiles();
    };
    return [say.another, another];
  })();
  return (
    <button class="word" onClick={act}>
      {word}
    </button>
  );
}

function state(fate: Fate, { uploads: say }: Words): string {
  switch (fate.is) {
    case "looking":
    case "waiting":
      return link.value.open ? say.waiting : say.waitingLink;
    case "sending":
      // All bytes have left, but it is not stored until the gallery says so.
      return say.percent(Math.min(99, Math.floor(fate.part * 100)));
    case "making":
      return say.making;
    case "stored":
      return say.stored;
    case "failed":
      return say.notAdded;
  }
}

function reason(obstacle: Obstacle, file: File, words: Words): string {
  const { uploads: say } = words;
  switch (obstacle.why) {
    case "large":
      if (obstacle.most === null) return obstacle.said || say.noPicture;
      return say.tooLarge(inMib(file.size, words), inMib(obstacle.most, words));
    case "kind":
      if (obstacle.readable) return say.otherKind(obstacle.kind);
      return obstacle.kind === "HEIC" ? say.heic : say.otherKindHelp(obstacle.kind);
    case "none":
      return say.noPicture;
    case "refused":
      return obstacle.said || say.noPicture;
    case "unreadable":
      return say.unreadable;
    case "unmade":
      return say.unmade;
    case "full":
      return say.diskFull;
    case "away":
      return obstacle.said || say.noAnswer;
  }
}

/** `14 MiB`; rounds so that a file a little over a limit looks over it. */
function inMib(bytes: number, { figures }: Words): string {
  const size = bytes / MIB;
  const digits = Number.isInteger(size) ? 0 : size < 11 ? 2 : 1;
  return `${new Intl.NumberFormat(figures, { maximumFractionDigits: digits }).format(size)} MiB`;
}
