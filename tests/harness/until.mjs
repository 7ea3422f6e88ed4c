// Waiting for a fact, with a limit.

import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks `fact` again and again until it gives something truthy, and returns that. A rejection
 * counts as "not yet", and is told if it stays.
 * @param {string} what the fact in words, for the failure
 * @param {() => any} fact
 * @param {{limit?: number, every?: number}} options in ms
 */
export async function until(what, fact, { limit = 10_000, every = 50 } = {}) {
  const end = Date.now() + limit;
  // A request without an answer does not keep the process alive by itself.
  const awake = setInterval(() => {}, limit);
  let last;
  try {
    for (;;) {
      try {
        last = await fact();
        if (last) return last;
      } catch (error) {
        last = error;
      }
      if (Date.now() > end) {
        throw new Error(`not within ${limit / 1000} s: ${what} (last: ${show(last)})`);
      }
      await pause(every);
    }
  } finally {
    clearInterval(awake);
  }
}

/** Sees that `fact` holds at every look for `time` ms. */
export async function throughout(what, fact, { time, every = 50 }) {
  for (const end = Date.now() + time; Date.now() < end; await pause(every)) {
    const seen = await fact();
    if (!seen) throw new Error(`no longer: ${what} (${show(seen)})`);
  }
}

function show(value) {
  if (value instanceof Error) return value.message;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
