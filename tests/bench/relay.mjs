// A plain relay as one writes it on Node.js with `ws`: what a client sends goes to all others, as it is.

import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (client) => {
  client.on('error', () => {});
  client.on('message', (data, binary) => {
    for (const other of server.clients) if (other !== client && other.readyState === 1) other.send(data, { binary });
  });
});
server.on('listening', () => process.stdout.write(`${server.address().port}\n`));
