// ULIDs (https://github.com/ulid/spec), the ids of photos.

import { randomInt } from 'node:crypto';

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new one. */
export function ulid(now = Date.now()) {
  let time = '';
  for (let left = now, i = 0; i < 10; i++, left = Math.floor(left / 32)) time = DIGITS[left % 32] + time;
  return time + Array.from({ length: 16 }, () => DIGITS[randomInt(32)]).join('');
}
