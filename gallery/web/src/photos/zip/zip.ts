// ZIPs of photos: the browser saves what the gallery sends, and the page shows how far that is.

import { signal } from "@preact/signals";
import { cancelZip, refusal, zipProgress, type ZipProgress } from "../../net/api";
import { newId, type Photo } from "../photo";

/** How often the gallery is asked how far it is. */
const EVERY = 500;
/** How long it may be silent. */
const SILENT = 30_000;
/** How long the line stays after the last byte. */
const STAYS = 4_000;

export interface Zip {
  /** What the gallery knows it by. */
  token: string;
  photos: readonly Photo[];
  began: number;
  /** Null before the first byte. */
  progress: ZipProgress | null;
  fate: "coming" | "done" | "failed";
  /** Why it failed, in the gallery's words; empty if it said none. */
  said: string;
}

/** Those on their way, and those that ended lately. */
export const zips = signal<readonly Zip[]>([]);

/**
 * Has the browser save these photos: a form can name thousands, and what answers one with a file
 * is a download, with the browser's own progress, on plain HTTP too.
 */
export function download(photos: readonly Photo[]): void {
  const token = newId(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
  const zip: Zip = { token, photos, began: Date.now(), progress: null, fate: "coming", said: "" };
  zips.value = [...zips.peek(), zip];
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.name = `zip-${token}`;
  const form = document.createElement("form");
  form.hidden = true;
  form.method = "post";
  form.action = new URL("api/photos.zip", document.baseURI).href;
  form.target = frame.name;
  const fields = {
    ids: photos.map(({ id }) => id).join(","),
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
    progress: token,
  };
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    field.type = "hidden";
    Object.assign(field, { name, value });
    form.append(field);
  }
  document.body.append(frame, form);
  // A download leaves the frame empty; what is loaded into it is a refusal.
  frame.addEventListener("load", () => {
    const answer = frame.contentDocument;
    if (answer?.URL === "about:blank") return;
    fail(token, refusal(0, answer?.body.textContent ?? "").message);
  });
  form.submit();
  form.remove();
  void follow(token).finally(() => frame.remove());
}

/** Ends it; the browser says that it is incomplete. */
export async function cancel(token: string): Promise<void> {
  forget(token);
  // Otherwise it is not on its way any more.
  await cancelZip(token).catch(() => {});
}

export function again({ token, photos }: Zip): void {
  forget(token);
  download(photos);
}

export function forget(token: string): void {
  zips.value = zips.peek().filter((zip) => zip.token !== token);
}

async function follow(token: string): Promise<void> {
  let heard = Date.now();
  while (zips.peek().some((zip) => zip.token === token && zip.fate === "coming")) {
    await new Promise((resolve) => setTimeout(resolve, EVERY));
    try {
      const progress = await zipProgress(token);
      if (progress) {
        heard = Date.now();
        change(token, { progress });
        if (progress.state === "done") done(token);
        else if (progress.state !== "sending") fail(token, "");
      }
    } catch {
      // The connection may come back.
    }
    if (Date.now() - heard > SILENT) fail(token, "");
  }
}

function done(token: string): void {
  change(token, { fate: "done" });
  setTimeout(() => forget(token), STAYS);
}

function fail(token: string, said: string): void {
  change(token, { fate: "failed", said });
}

function change(token: string, to: Partial<Zip>): void {
  zips.value = zips
    .peek()
    .map((zip) => (zip.token === token && zip.fate === "coming" ? { ...zip, ...to } : zip));
}
