// Uploads one picture with its progress, which fetch cannot report.

import { effect } from "@preact/signals";
import { refusal, Refusal, uploadLimits } from "../../net/api";
import { link } from "../../net/gallery";
import { authorization } from "../../people/identity";
import { HEAD, kindOf } from "./file-kind";
import { asJpeg, reads, type Limits } from "./smaller";
import type { Carrier, Stored } from "./upload-queue";

/** When a picture without a file was taken, by `performance.now()`. */
export const takenAt = new WeakMap<File, number>();

/** A request without any progress for so long is lost, whatever the browser believes. */
const SILENT = 120_000;

export const carrier: Carrier = {
  kind: async (file) => kindOf(new Uint8Array(await file.slice(0, HEAD).arrayBuffer())),
  reads,
  limits,
  send,
  asJpeg: async (file, limits, hard) => {
    const made = await asJpeg(file, limits, hard);
    const taken = takenAt.get(file);
    if (taken !== undefined) takenAt.set(made, taken);
    return made;
  },
};

let known: { limits: Promise<Limits>; stop: AbortController } | null = null;

// A gallery that restarted may have other limits.
effect(() => {
  if (link.value.open) return;
  known?.stop.abort();
  known = null;
});

function limits(): Promise<Limits> {
  if (known) return known.limits;
  const stop = new AbortController();
  const asked = { limits: uploadLimits(stop.signal), stop };
  known = asked;
  const silent = setTimeout(() => stop.abort(), SILENT);
  asked.limits.catch(() => known === asked && (known = null)).finally(() => clearTimeout(silent));
  return asked.limits;
}

function send(
  file: File,
  name: string,
  part: (part: number) => void,
  stop: AbortSignal,
): Promise<Stored> {
  return new Promise((resolve, reject) => {
    if (stop.aborted) return reject(new Refusal(0, ""));
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    let silent = setTimeout(abort, SILENT);
    const heard = (): void => {
      clearTimeout(silent);
      silent = setTimeout(abort, SILENT);
    };
    const body = new FormData();
    const taken = takenAt.get(file);
    // An age, because this machine's clock may be wrong; it stands before its picture.
    if (taken !== undefined) body.append("age", `${Math.round(performance.now() - taken)}`);
    // For a picture without a date of its own.
    else body.append("modified", `${file.lastModified}`);
    body.append("image", file, file.name);
    request.upload.onprogress = ({ loaded, total }) => {
      heard();
      part(total > 0 ? loaded / total : 0);
    };
    request.onload = () => {
      const stored = request.status < 300 ? readStored(request.responseText) : null;
      if (stored) resolve(stored);
      else reject(refusal(request.status, request.responseText));
    };
    request.onerror = request.onabort = () => reject(new Refusal(0, ""));
    request.onloadend = () => {
      clearTimeout(silent);
      stop.removeEventListener("abort", abort);
    };
    stop.addEventListener("abort", abort);
    request.open("POST", new URL("upload", document.baseURI));
    const author = authorization();
    if (author) request.setRequestHeader("Authorization", author);
    request.setRequestHeader("Idempotency-Key", name);
    request.send(body);
  });
}

/** The one outcome of an upload of one picture. */
function readStored(text: string): Stored | null {
  try {
    const [outcome] = JSON.parse(text) as { id?: unknown; already?: unknown }[];
    return typeof outcome?.id === "string"
      ? { id: outcome.id, already: outcome.already === true }
      : null;
  } catch {
    return null;
  }
}
