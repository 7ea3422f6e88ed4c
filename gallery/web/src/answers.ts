// Tells the gallery which frames were drawn or discarded: a few in one message where there are many,
// since to a gallery with many pages each message costs more than what it says.

import { ANSWERS, answer } from "./frame";

/** Milliseconds in which there is one message, unless it is full. */
const TOGETHER = 33;

export class Answers {
  readonly #send: (message: ArrayBuffer) => void;
  readonly #measures: () => boolean;
  #serials: number[] = [];
  #last = -TOGETHER;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** While the page measures, each is told at once, so that what it tells of the network is true. */
  constructor(send: (message: ArrayBuffer) => void, measures: () => boolean) {
    this.#send = send;
    this.#measures = measures;
  }

  /** One that comes alone is told at once, so a slow way never waits for an answer. */
  add(serial: number): void {
    this.#serials.push(serial);
    const wait = this.#last + TOGETHER - performance.now();
    if (wait <= 0 || this.#measures() || this.#serials.length === ANSWERS) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), wait);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = performance.now();
    this.#send(answer(this.#serials));
    this.#serials = [];
  }
}
