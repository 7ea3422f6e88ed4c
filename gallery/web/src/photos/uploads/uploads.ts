// Adds photos: by button, by a phone's own camera, and from other parts of the page.

import { computed, effect, signal } from "@preact/signals";
import { link } from "../../net/gallery";
import { caller, may } from "../../net/me";
import { permit } from "../../door/permit";
import { asking, joined, me, named, needless } from "../../people/identity";
import { TAKEN } from "./file-kind";
import { carrier } from "./upload";
import { ended, Queue, type Fate } from "./upload-queue";

/** So long after a reconnection, photos go without a name if the name has not come back. */
const PATIENCE = 5_000;

/** The upload panel is closed. */
export const hidden = signal(false);

const unnamed = signal(false);

/** Uploads wait until the gallery knows this person, or until there is no person; and while a login
 * ended, until it is there again. */
const ready = computed(
  () => may("upload") && !naming.value && (me.value === null || joined.value || unnamed.value),
);

effect(() => {
  unnamed.value = false;
  if (!link.value.open || joined.value) return;
  const timer = setTimeout(() => (unnamed.value = true), PATIENCE);
  return () => clearTimeout(timer);
});

const naming = signal(false);

export const queue = new Queue(
  carrier,
  ready,
  computed(() => link.value.open),
);

export function chooseFiles(): void {
  if (!permit("upload")) return;
  pick((input) => (input.multiple = true));
}

/** With the camera of this device, where it has one. */
export function takeHere(): void {
  pick((input) => input.setAttribute("capture", "environment"));
}

function pick(prepare: (input: HTMLInputElement) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  // An iPhone converts its HEIC to JPEG for pages that do not accept all kinds of pictures.
  input.accept = TAKEN;
  prepare(input);
  input.onchange = () => add([...(input.files ?? [])]);
  input.click();
}

/** Whether an upload runs or waits. */
export const underWay = computed(() => queue.uploads.value.some(({ fate }) => !ended(fate)));

/** The state of a file's upload; null if there is none any more. */
export function fateOf(file: File): Fate | null {
  return queue.uploads.value.find((upload) => upload.file === file)?.fate ?? null;
}

/** `quiet` if it shows elsewhere: the panel opens only for failures. */
export function add(files: File[], quiet = false): void {
  if (files.length === 0 || !permit("upload")) return;
  if (!quiet) hidden.value = false;
  else if (queue.uploads.value.length === 0) hidden.value = true;
  queue.add(files);
}

// A file that is no picture needs no name.
effect(() => {
  if (queue.uploads.value.some(({ fate }) => fate.is === "waiting")) askName();
});

let asked = false;

/** Asks once whose photos these are; without an answer they have no name. */
function askName(): void {
  if (me.peek() || asked || asking.peek() || !link.peek().open) return;
  asked = naming.value = true;
  if (caller.peek()?.name) {
    const given = (): void => void (naming.value = false);
    named(given);
    setTimeout(given, PATIENCE);
    return;
  }
  needless.value = true;
  const settled = (): void => {};
  asking.value = settled;
  const stop = effect(() => {
    if (asking.value === settled) return;
    naming.value = needless.value = false;
    queueMicrotask(() => stop());
  });
}

// Leaving now would lose files that only this page has.
effect(() => {
  if (!underWay.value) return;
  const stay = (event: BeforeUnloadEvent): void => {
    event.preventDefault();
    // For browsers that know no other way (WebKit before 16.4, Chromium before 119).
    event.returnValue = true;
  };
  addEventListener("beforeunload", stay);
  return () => removeEventListener("beforeunload", stay);
});
