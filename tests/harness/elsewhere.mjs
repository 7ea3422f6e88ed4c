// A page of another origin, for the tests to show in a browser.

import { createServer } from 'node:http';
import { once } from 'node:events';

/** Serves this page on every path of the loopback: `{url, close}`. */
export async function elsewhere(html) {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(html);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const { port } = server.address();
  return {
    /** By a name that the browser must be told of. */
    url: `http://other.test:${port}`,
    port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
