// Bringing photos: by button, by dropping or pasting them anywhere, by a phone's own camera; and
// the panel that says what becomes of each.

import { computed, effect, signal } from "@preact/signals";
import { tellAll } from "../page/announce";
import { words } from "../words/language";
import { ended, LARGEST, Queue, worthAgain, type Fate, type Upload } from "./upload-queue";
import { Round } from "../page/round-button";
import { sendPicture } from "./upload";
import type { Words } from "../words/words";

/** The panel stays for so long after the last success, and when it leads to what was here. */
const STAYS = 4_000;
const STAYS_WITH_LINK = 12_000;
const MIB = 1024 * 1024;

const queue = new Queue(sendPicture);
const hidden = signal(false);

/** How many files are held over the page; null when none are, 0 when that is not told. */
const held = signal<number | null>(null);

const open = computed(() => !hidden.value && queue.uploads.value.length > 0);

export function chooseFiles(): void {
  pick((input) => (input.multiple = true));
}

/** With the camera of this device, where it has one. */
export function takeHere(): void {
  pick((input) => input.setAttribute("capture", "environment"));
}

function pick(prepare: (input: HTMLInputElement) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/*";
  prepare(input);
  input.onchange = () => add([...(input.files ?? [])]);
  input.click();
}

/** Something is on its way. */
export const underWay = computed(() => queue.uploads.value.some(({ fate }) => !ended(fate)));

/** `quiet` if all is seen elsewhere: the panel opens only when something fails. */
export function add(files: File[], quiet = false): void {
  if (files.length === 0) return;
  if (!quiet) hidden.value = false;
  else if (queue.uploads.value.length === 0) hidden.value = true;
  queue.add(files);
}

/** Takes files that are dropped or pasted anywhere. */
export function followFiles(): void {
  const carries = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragenter", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    const items = [...(event.dataTransfer?.items ?? [])];
    held.value = items.filter(({ kind }) => kind === "file").length;
  });
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer!.dropEffect = "copy";
  });
  addEventListener("dragleave", (event) => {
    // Only what leaves the window has no place that it goes to.
    if (event.relatedTarget === null) held.value = null;
  });
  addEventListener("drop", (event) => {
    held.value = null;
    if (!carries(event)) return;
    event.preventDefault();
    add([...(event.dataTransfer?.files ?? [])]);
  });
  addEventListener("paste", (event) => add([...(event.clipboardData?.files ?? [])]));
}

/** While files are held over the page. */
export function Drop() {
  if (held.value === null) return null;
  return (
    <div class="drop" aria-hidden="true">
      <p>{words.value.uploads.drop(held.value)}</p>
    </div>
  );
}

let closing: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const uploads = queue.uploads.value;
  clearTimeout(closing);
  if (uploads.length === 0 || !uploads.every(({ fate }) => ended(fate))) return;
  const { stored, already } = count(uploads);
  tellAll(summary(uploads, words.peek()));
  // What failed is never hidden.
  if (stored < uploads.length) hidden.value = false;
  else closing = setTimeout(() => queue.clear(), already > 0 ? STAYS_WITH_LINK : STAYS);
});

/** How many came to which end; `already` of the stored were here before. */
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

export function Uploads() {
  if (!open.value) return null;
  const uploads = queue.uploads.value;
  const { uploads: say } = words.value;
  const done = uploads.every(({ fate }) => ended(fate));
  const title = done ? summary(uploads, words.value) : say.adding(uploads.length);
  return (
    <section class="loads" aria-label={title}>
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
    </section>
  );
}

function Line({ upload: { key, file, fate } }: { upload: Upload }) {
  const { uploads: say } = words.value;
  const failed = fate.is === "failed";
  const part = fate.is === "sending" ? fate.part : fate.is === "stored" ? 1 : 0;
  return (
    <li class={failed ? "failed" : fate.is === "stored" && !fate.already ? "done" : undefined}>
      <span class="n">{file.name}</span>
      <span class="v">
        {fate.is === "stored" && fate.already ? (
          <a href={`#/photo/${fate.id}`}>{say.already}</a>
        ) : (
          state(fate, words.value)
        )}
      </span>
      {failed ? (
        <span class="e">
          {reason(fate, file, words.value)}
          {worthAgain(fate) ? (
            <button class="word" onClick={() => queue.again(key)}>
              {say.tryAgain}
            </button>
          ) : (
            <button
              class="word"
              onClick={() => {
                queue.remove(key);
                chooseFiles();
              }}
            >
              {say.another}
            </button>
          )}
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

function state(fate: Fate, { uploads: say }: Words): string {
  switch (fate.is) {
    case "waiting":
      return say.waiting;
    case "sending":
      // All of it has left, but it is not stored before the gallery says so.
      return say.percent(Math.min(99, Math.floor(fate.part * 100)));
    case "stored":
      return say.stored;
    case "failed":
      return say.notAdded;
  }
}

function reason(fate: Fate & { is: "failed" }, file: File, words: Words): string {
  const { uploads: say } = words;
  const size = file.size / MIB;
  switch (fate.status) {
    case 0:
      return say.noAnswer;
    case 413:
      if (file.size <= LARGEST) return fate.said || say.noPicture;
      return say.tooLarge(
        `${new Intl.NumberFormat(words.locale, { maximumFractionDigits: size < 11 ? 2 : 0 }).format(size)} MiB`,
      );
    case 415:
      return say.noPicture;
    case 507:
      return say.diskFull;
    default:
      return fate.said || say.noAnswer;
  }
}
