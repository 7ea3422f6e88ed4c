// Pictures on their way to the gallery: a few at once, each with its own fate.

import { signal } from "@preact/signals";
import { newId } from "./photo";

/** No gallery can be told to take a larger file. */
export const LARGEST = 1024 * 1024 * 1024;
const AT_ONCE = 3;

export type Fate =
  | { is: "waiting" }
  /** `part` of it has left, 0 to 1. */
  | { is: "sending"; part: number }
  /** As this photo; `already` if the same was here before. */
  | ({ is: "stored" } & Stored)
  /** `status` as HTTP has it, 0 if the gallery did not answer; `said` is its sentence. */
  | { is: "failed"; status: number; said: string };

export interface Stored {
  id: string;
  already: boolean;
}

export interface Upload {
  key: number;
  /** What the gallery knows it by when it is tried again, so that it is stored once. */
  name: string;
  file: File;
  fate: Fate;
}

/** Sends a file; resolves when it is stored, rejects with `{status, message}`. */
export type Send = (file: File, name: string, part: (part: number) => void) => Promise<Stored>;

export class Queue {
  readonly uploads = signal<readonly Upload[]>([]);
  readonly #send: Send;
  #last = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  add(files: readonly File[]): void {
    const uploads = files.map((file): Upload => {
      const fate: Fate =
        file.size > LARGEST
          ? { is: "failed", status: 413, said: "" }
          : file.type !== "" && !file.type.startsWith("image/")
            ? { is: "failed", status: 415, said: "" }
            : { is: "waiting" };
      const name = newId(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
      return { key: ++this.#last, name, file, fate };
    });
    this.uploads.value = [...this.uploads.peek(), ...uploads];
    this.#go();
  }

  again(key: number): void {
    this.#tell(key, { is: "waiting" });
    this.#go();
  }

  remove(key: number): void {
    this.uploads.value = this.uploads.peek().filter((upload) => upload.key !== key);
  }

  /** Forgets what has come to its end. */
  clear(): void {
    this.uploads.value = this.uploads.peek().filter(({ fate }) => !ended(fate));
  }

  #go(): void {
    const sending = this.uploads.peek().filter(({ fate }) => fate.is === "sending").length;
    const next = this.uploads.peek().filter(({ fate }) => fate.is === "waiting");
    for (const upload of next.slice(0, AT_ONCE - sending)) void this.#carry(upload);
  }

  async #carry({ key, name, file }: Upload): Promise<void> {
    this.#tell(key, { is: "sending", part: 0 });
    try {
      const sending = this.#send(file, name, (part) => this.#tell(key, { is: "sending", part }));
      this.#tell(key, { is: "stored", ...(await sending) });
    } catch (error) {
      const { status = 0, message = "" } = error as { status?: number; message?: string };
      this.#tell(key, { is: "failed", status, said: message });
    }
    this.#go();
  }

  #tell(key: number, fate: Fate): void {
    this.uploads.value = this.uploads
      .peek()
      .map((upload) => (upload.key === key ? { ...upload, fate } : upload));
  }
}

export function ended(fate: Fate): boolean {
  return fate.is === "stored" || fate.is === "failed";
}

/** Whether the same file may be stored at another try; with 401 once the page has joined again. */
export function worthAgain({ status }: { status: number }): boolean {
  return status === 0 || status === 401 || status === 408 || status === 429 || status >= 500;
}
