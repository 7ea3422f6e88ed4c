// Detects a connection that died unnoticed: the gallery sends something at least every 2 s, so one
// that is silent for longer is dead.

/** How long a connection may be silent, in ms: the gallery's own limit and the way here. */
const PATIENCE = 4_000;
/** The most time that a slow link gets. */
const MOST = 32_000;
/** A gallery is silent for 2 s at most: a longer pause means that one message takes so long. */
const PAUSE = 2_500;
/** A connection that ran this long, in ms, without such a pause is not slow. */
const SETTLED = 1_500;
/** How many connections in a row that ended earlier mean a slow link. */
const SLOW = 2;
/** How long to wait for a message after this side was away, such as a laptop that slept. */
const AWAKE = 2_500;
/** If a check is this late, in ms, this side was away. */
const AWAY = 2_000;

/** How often to check, in milliseconds. */
export const LOOK = 250;

export class Silence {
  /** Since when it has run without such a pause. */
  #began: number;
  #heard: number;
  #looked: number;
  #patience = PATIENCE;
  /** How many connections in a row died before they had settled. */
  #unsettled = 0;
  #excused = false;

  /** Times are of a clock that never jumps, such as `performance.now()`. */
  constructor(now: number) {
    this.#began = this.#heard = this.#looked = now;
  }

  /** A new connection: nothing received yet. */
  begin(now: number): void {
    this.#began = this.#heard = this.#looked = now;
    this.#excused = false;
  }

  /** Something arrived. */
  hear(now: number): void {
    if (now - this.#heard > PAUSE) this.#began = now;
    // It is no longer away.
    if (now - this.#began > MOST) this.#patience = PATIENCE;
    this.#heard = now;
    this.#excused = false;
  }

  /** This side may have been away: what it did not receive meanwhile is no silence. */
  wake(now: number): void {
    this.#heard = Math.max(this.#heard, now - this.#patience + AWAKE);
  }

  /** Milliseconds since something arrived. */
  since(now: number): number {
    return now - this.#heard;
  }

  /** Whether it is dead. Call this every {@link LOOK}. */
  isDead(now: number): boolean {
    // Once only, because the timers of hidden pages may be late each time.
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
