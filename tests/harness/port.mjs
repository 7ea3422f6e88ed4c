// A free port, for programs that cannot take port 0 and report which they got.

import { createServer } from 'node:net';
import { once } from 'node:events';

/** A port of the loopback that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
