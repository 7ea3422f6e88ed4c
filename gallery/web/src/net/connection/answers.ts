// Tells the gallery which frames were drawn or discarded: where it lets answers wait a few in one
// message, since to a gallery with many pages each message costs more than what it says.

import { ANSWERS, answer } from "./frame";

/** Milliseconds that an answer waits for another at most. */
const WAIT = 100;

export class Answers {
  readonly #send: (message: ArrayBuffer) => void;
  #serials: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (message: ArrayBuffer) => void) {
    this.#send = send;
  }

  add(serial: number, mayWait: boolean): void {
    this.#serials.push(serial);
    if (!mayWait || this.#serials.length === ANSWERS) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), WAIT);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#send(answer(this.#serials));
    this.#serials = [];
  }
}
