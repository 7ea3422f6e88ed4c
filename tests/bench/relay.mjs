// A plain relay as one writes it on Node.js with `ws`: what the first client sends goes to all others.

import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
let source;
server.on('connection', (client) => {
  client.on('error', () => {});
  if (source) return;
  source = client;
  source.on('message', (data) => {
    for (const other of server.clients) if (other !== source && other.readyState === 1) other.send(data, { binary: true });
  });
});
server.on('listening', () => process.stdout.write(`${server.address().port}\n`));
