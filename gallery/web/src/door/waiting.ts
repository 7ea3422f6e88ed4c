// How long somebody waits after a wrong password, in whole seconds.

export interface Wait {
  /** When it began and when it ends, by `Date.now()`. */
  from: number;
  until: number;
}

export function waitFrom(now: number, seconds: number): Wait | null {
  return seconds > 0 ? { from: now, until: now + seconds * 1_000 } : null;
}

/** What is left, rounded up; 0 once it is over. A clock that was set back never makes it longer. */
export function left({ from, until }: Wait, now: number): number {
  const whole = until - from;
  return Math.ceil(Math.max(0, Math.min(whole, until - now)) / 1_000);
}
