// aedes, a broker in JavaScript, as a program: `node aedes.mjs PORT`. It keeps everything in memory.

import { createServer } from 'node:net';

import aedes from 'aedes';

createServer(aedes().handle).listen(Number(process.argv[2]), '127.0.0.1', () => console.error('aedes runs'));
