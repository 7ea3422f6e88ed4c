// Tells the gallery which frames were drawn or discarded, several in one message where it allows
// that, because each message costs a gallery with many pages more than its content.

import { ANSWERS, answer } from "./frame";

/** How long an answer waits for another at most, in milliseconds. */
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
