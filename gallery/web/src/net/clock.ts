// How far this machine's clock is from the gallery's.

/** How long a difference counts, in milliseconds, at least; at most twice as long. */
export const WINDOW = 5_000;

/**
 * Learns the offset from the times that messages were sent and came. A message can only come late,
 * so the smallest difference over a while is the best one. `Date.now()` is meant to be used: it
 * goes on while the machine sleeps, and so does the age of a picture.
 */
export class Clock {
  #least = Infinity;
  #before = Infinity;
  #from = -Infinity;

  /** A message was sent at `sent` by the gallery's clock and came at `now` by ours. */
  hear(sent: number, now: number): void {
    if (now < this.#from) {
      // Our clock was set back: what was learnt is void.
      this.#least = this.#before = Infinity;
      this.#from = now;
    } else if (now - this.#from >= WINDOW) {
      this.#before = now - this.#from < 2 * WINDOW ? this.#least : Infinity;
      this.#least = Infinity;
      this.#from = now;
    }
    this.#least = Math.min(this.#least, now - sent);
  }

  /** A time of the gallery's clock by ours. */
  local(time: number): number {
    const offset = Math.min(this.#least, this.#before);
    return Number.isFinite(offset) ? time + offset : time;
  }
}
