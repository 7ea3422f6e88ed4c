// Whether a connection is dead though nobody said so: the gallery speaks every 2 s at least, so one
// that is silent for longer has nobody at its other end.

/** So long a connection may be silent, in milliseconds: what the gallery may be, and its way. */
const PATIENCE = 4_000;
/** The most that a slow link gets. */
const MOST = 32_000;
/** A gallery is silent for 2 s at most: a longer pause is a message that takes so long. */
const PAUSE = 2_500;
/** A connection that spoke for so long without such a pause is not slow. */
const SETTLED = 1_500;
/** So many that did not, one after another, are a slow link. */
const SLOW = 2;
/** How long somebody who was away, such as a laptop that slept, waits for a word. */
const AWAKE = 2_500;
/** A look that comes so much later than the one before: this side was away. */
const AWAY = 2_000;

/** How often to look, in milliseconds. */
export const LOOK = 250;

export class Silence {
  /** Since when it speaks without such a pause. */
  #began: number;
  #heard: number;
  #looked: number;
  #patience = PATIENCE;
  /** How many connections died before they had settled, one after another. */
  #unsettled = 0;
  #excused = false;

  /** Times are of a clock that never jumps, such as `performance.now()`. */
  constructor(now: number) {
    this.#began = this.#heard = this.#looked = now;
  }

  /** A new connection: it has said nothing yet. */
  begin(now: number): void {
    this.#began = this.#heard = this.#looked = now;
    this.#excused = false;
  }

  /** It said something. */
  hear(now: number): void {
    if (now - this.#heard > PAUSE) this.#began = now;
    // Not any more.
    if (now - this.#began > MOST) this.#patience = PATIENCE;
    this.#heard = now;
    this.#excused = false;
  }

  /** This side may have been away: what it missed to hear is no silence. */
  wake(now: number): void {
    this.#heard = Math.max(this.#heard, now - this.#patience + AWAKE);
  }

  /** Milliseconds since it said something. */
  since(now: number): number {
    return now - this.#heard;
  }

  /** Whether it is dead. To be asked every {@link LOOK}. */
  isDead(now: number): boolean {
    // Once: the timers of hidden pages may be late each time.
    if (now - this.#looked > AWAY && !this.#excused) {
      this.#excused = true;
      this.wake(now);
    }
    this.#looked = now;
    if (this.since(now) < this.#patience) return false;
    // A link that freezes was quick until then.
    this.#unsettled = this.#heard - this.#began < SETTLED ? this.#unsettled + 1 : 0;
    if (this.#unsettled >= SLOW) this.#patience = Math.min(MOST, this.#patience * 4);
    return true;
  }
}
