// What the kernel says of a process (proc(5)).

import { readFileSync, readdirSync } from 'node:fs';

/** Bytes of memory that are its own: resident, less what it shares. */
export function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]);
  return (kilobytes('VmRSS') - kilobytes('RssShmem')) * 1024;
}

/** Bytes of memory that it had at the most so far. */
export function highest(pid) {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/** The number of its threads. */
export const threads = (pid) => readdirSync(`/proc/${pid}/task`).length;

/** The number of its open descriptors. */
export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
