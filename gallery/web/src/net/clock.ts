// How far this machine's clock is from the gallery's.

/** How long a difference counts, in milliseconds: at least this, at most twice this. */
export const WINDOW = 5_000;

/**
 * Learns the offset from the times when messages were sent and arrived. A message can only be late,
 * so the smallest difference over a while is the best one. `Date.now()` is deliberate: it
 * goes on while the machine sleeps, and so does the age of a picture.
 */
export class Clock {
  #least = Infinity;
  #before = Infinity;
  #from = -Infinity;

  /** A message was sent at `sent` by the gallery's clock and arrived at `now` by ours. */
  hear(sent: number, now: number): void {
    if (now < this.#from) {
      // Our clock was set back, so everything learnt is void.
      this.#least = this.#before = Infinity;
      this.#from = now;
    } else if (now - this.#from >= WINDOW) {
      this.#before = now - this.#from < 2 * WINDOW ? this.#least : Infinity;
      this.#least = Infinity;
      this.#from = now;
    }
    this.#least = Math.min(this.#least, now - sent);
  }

  /** Converts a time of the gallery's clock to ours. */
  local(time: number): number {
    const offset = Math.min(this.#least, this.#before);
    return Number.isFinite(offset) ? time + offset : time;
  }
}
