// Decides when to send which picture of the page's own camera: what is wanted, newest or none.

/** Numbered as in the gallery. */
export type Size = 0 | 1 | 2 | 3;

export const PREVIEW: Size = 3;

/** Frames a second of the full picture, its half, its quarter, and the preview. */
export type Rates = readonly [number, number, number, number];

const SIZES: readonly Size[] = [0, 1, 2, 3];

/** Unanswered frames in transit, and bytes that the network has not taken. */
const UNANSWERED = 2;
const BUFFERED = 64 * 1024;

export class Pace {
  #rates: Rates = [0, 0, 0, 0];
  #due = [0, 0, 0, 0];
  #seq = 0;
  #unanswered = new Set<number>();

  want(rates: Rates, now: number): void {
    for (const size of SIZES) {
      // A size that becomes wanted is due now, not at the end of its first period.
      if (this.#rates[size] === 0) this.#due[size] = now;
      this.#due[size] = Math.min(this.#due[size]!, now + period(rates[size]));
    }
    this.#rates = rates;
  }

  /** Somebody watches more than the preview. */
  get isLookedAt(): boolean {
    return SIZES.some((size) => size !== PREVIEW && this.#rates[size] > 0);
  }

  /**
   * The picture to make now, the one that is latest by its own rate; null if none is due, or if
   * the network has not taken the ones before.
   */
  next(now: number, buffered: number): Size | null {
    if (this.#unanswered.size >= UNANSWERED || buffered > BUFFERED) return null;
    let latest: Size | null = null;
    let most = -1;
    for (const size of SIZES) {
      const late = (now - this.#due[size]!) * this.#rates[size];
      if (this.#rates[size] > 0 && late >= 0 && late > most) [latest, most] = [size, late];
    }
    return latest;
  }

  /** That picture is made; what comes back is its number. */
  made(size: Size, now: number): number {
    const each = period(this.#rates[size]);
    const next = this.#due[size]! + each;
    // What was missed is not made up for.
    this.#due[size] = next > now ? next : now + each;
    this.#seq = (this.#seq + 1) >>> 0;
    this.#unanswered.add(this.#seq);
    return this.#seq;
  }

  /** The gallery has the frame, or it was never sent. */
  got(seq: number): void {
    this.#unanswered.delete(seq);
  }

  /** Milliseconds until the next picture is due; null if none will be. */
  wait(now: number): number | null {
    const dues = SIZES.filter((size) => this.#rates[size] > 0).map((size) => this.#due[size]!);
    return dues.length === 0 ? null : Math.max(0, Math.min(...dues) - now);
  }
}

function period(rate: number): number {
  return rate > 0 ? 1_000 / rate : Infinity;
}
