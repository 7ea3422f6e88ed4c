// Processes in a network and a host name of their own, by namespaces (unshare(1), nsenter(1)).

import { run } from './child.mjs';

/**
 * The command under which a program has a loopback with further addresses, and nothing else of a
 * network: `under` of a `Vitrina`. `first` is a line of sh that runs before it.
 */
export function apart(addresses, first = 'true') {
  const up = ['ip link set lo up', ...addresses.map((address) => `ip addr add ${address} dev lo nodad`)];
  return ['unshare', '--map-root-user', '--net', '--uts', '--mount', 'sh', '-ec', `${[...up, first].join('; ')}; exec "$@"`, 'sh'];
}

/** The arguments of nsenter with which a program runs where the process `pid` is. */
export const enter = (pid) => ['--target', `${pid}`, '--user', '--net', '--preserve-credentials'];

/** Runs a program of Node.js where the process `pid` is, and gives what it prints as JSON. */
export async function within(pid, script, ...args) {
  const { code, stdout, stderr } = await run('nsenter', [...enter(pid), process.execPath, '-e', script, ...args.map(String)]);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
