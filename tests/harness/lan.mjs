// A gallery's machine and a visitor's, each in a network namespace of its own, with a cable between
// them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { apart } from './namespace.mjs';
import { folder } from './scratch.mjs';

/** The addresses of the two ends. */
export const HERE = '192.168.77.1';
export const THERE = '192.168.77.2';

/**
 * A local network: `under` runs the gallery on its machine, which is called `workshop`, and once it
 * runs, `visitor()` is a process on the other one. `first` are further lines of sh on the gallery's.
 */
export function lan(...first) {
  const file = join(folder('lan'), 'visitor');
  const lines = [
    'hostname workshop',
    // Its end comes with that of the gallery.
    `unshare --net sh -c 'echo $$ > ${file}.new; mv ${file}.new ${file}; exec setpriv --pdeathsig KILL sleep infinity' &`,
    `until [ -s ${file} ]; do sleep 0.02; done`,
    `ip link add lan type veth peer name lan netns $(cat ${file})`,
    `ip addr add ${HERE}/24 dev lan; ip addr add fd77::1/64 dev lan nodad; ip link set lan up`,
    `nsenter --target $(cat ${file}) --net sh -ec 'ip link set lo up; ip addr add ${THERE}/24 dev lan; ip link set lan up; ip route add default dev lan'`,
    'ip route add 224.0.0.0/4 dev lan',
    ...first,
    'true',
  ];
  return { under: apart([], lines.join('\n')), visitor: () => Number(readFileSync(file, 'utf8')) };
}
