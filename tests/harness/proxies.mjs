// nginx and Caddy before a wall, configured as docs/install.md says.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Child } from './child.mjs';
import { freePort } from './port.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';

const INSTALL = readFileSync(new URL('../../docs/install.md', import.meta.url), 'utf8');

/** The ready blocks of the documentation for a proxy: `[at the root, below /wall/]`. */
export const blocks = (kind) => [...INSTALL.matchAll(new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``, 'g'))].map(([, block]) => block);

async function start(command, port) {
  const child = new Child(command[0], command.slice(1), { env: { ...process.env, HOME: folder('home') } });
  const url = `http://127.0.0.1:${port}`;
  await until(`${command[0]} answers`, async () => {
    if (!child.alive) throw new Error(child.stderr);
    return (await fetch(url)).status > 0;
  });
  child.unref();
  return { url, stop: () => child.stop() };
}

/** nginx with this block in its server: `{url, stop}`. `wall` is the gallery's address. */
export async function nginx(block, wall) {
  const where = folder('nginx');
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${where}/${kind};`);
  writeFileSync(join(where, 'nginx.conf'), `
    daemon off; pid ${where}/pid; error_log stderr; events {}
    http { access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port};
        ${block.replaceAll('127.0.0.1:8080', new URL(wall).host)}
      } }`);
  return start(['nginx', '-e', 'stderr', '-p', where, '-c', join(where, 'nginx.conf')], port);
}

/** Caddy with this block in its site: `{url, stop}`. */
export async function caddy(block, wall) {
  const file = join(folder('caddy'), 'Caddyfile');
  const port = await freePort();
  writeFileSync(file, `{\n admin off\n auto_https off\n}\nhttp://127.0.0.1:${port} {\n${block.replaceAll('127.0.0.1:8080', new URL(wall).host)}\n}\n`);
  return start(['caddy', 'run', '--adapter', 'caddyfile', '--config', file], port);
}
