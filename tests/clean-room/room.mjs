// A machine that was just installed: a small Debian in a folder, with processes, devices, a network
// and ports of its own. Only a Rust toolchain and what cargo has fetched come from this machine.

import { strict as assert } from 'node:assert';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child, run } from '../harness/child.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';

const AUTHORITIES = '/usr/local/share/ca-certificates';
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Why there can be no rooms here, or nothing. */
export async function hindrance() {
  if (process.getuid() !== 0) return 'a room is made by root alone';
  for (const program of ['mmdebstrap', 'slirp4netns', 'unshare', 'git']) {
    if ((await run('sh', ['-c', `command -v ${program}`])).code !== 0) return `there is no ${program}`;
  }
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun, and so no network for a room';
  const { stdout } = await run('rustc', ['--print', 'sysroot']);
  if (!existsSync(join(stdout.trim(), 'bin/cargo')) || stdout.trim() === '/usr') {
    return 'Rust is not of rustup: nothing that could be lent to a room';
  }
  return undefined;
}

async function must(program, args) {
  const { code, stdout, stderr, error } = await run(program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${error ?? stderr}`);
  return stdout.trim();
}

// Only files are lent: no camera, disk or display of this machine, and none of its processes.
const ENTER = `
set -eu
cd "$ROOT"
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mkdir -p opt/rust
mount --bind "$RUST" opt/rust
mount -o remount,bind,ro opt/rust
hostname room
echo 127.0.0.1 localhost room > etc/hosts
# That of slirp4netns: this machine's may be on loopback, which the room has of its own.
rm -f etc/resolv.conf
echo nameserver 10.0.2.3 > etc/resolv.conf
exec chroot . sleep infinity
`;

const home = (user) => (user === 'root' ? '/root' : `/home/${user}`);

export class Room {
  #holder;
  #network;
  #pid;
  #root;

  /**
   * Opens one; it ends with the test process.
   * @param {string} suite of Debian
   * @param {string[]} packages what its machine has beside the smallest Debian there is
   */
  static async open(suite, packages = []) {
    const room = new Room();
    room.#root = join(folder('room'), 'root');
    const mirrors = await must('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Label: Debian']);
    // The network's own authorities, where it has some, are there before the package that reads them.
    const authorities = `! [ -d ${AUTHORITIES} ] || { mkdir -p "$1${AUTHORITIES}" && cp -r ${AUTHORITIES}/. "$1${AUTHORITIES}"; }`;
    await must('mmdebstrap', [
      '--quiet', '--mode=root', '--variant=minbase', '--dpkgopt=force-unsafe-io', `--include=${packages.join(',')}`,
      `--essential-hook=${authorities}`, suite, room.#root, ...mirrors.split('\n', 1).filter(Boolean),
    ]);
    const rust = await must('rustc', ['--print', 'sysroot']);
    const env = { PATH: process.env.PATH, ROOT: room.#root, RUST: rust };
    const spaces = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--kill-child'];
    room.#holder = new Child('unshare', [...spaces, 'sh', '-c', ENTER], { env }).unref();
    room.#pid = await until('the room', () => {
      if (!room.#holder.alive) throw new Error(room.#holder.stderr);
      const [pid] = readFileSync(`/proc/${room.#holder.pid}/task/${room.#holder.pid}/children`, 'utf8').split(' ');
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep' && pid;
    }, { limit: 60_000 });
    // Ports are its own; what it asks of the world goes out as this machine's requests do.
    const network = ['--configure', '--disable-host-loopback', '--mtu=65520', room.#pid, 'tap0'];
    room.#network = new Child('slirp4netns', network).unref();
    await until('its network', async () => (await room.#inNetwork('ip', ['route'])).stdout.includes('default'), { limit: 60_000 });
    return room;
  }

  /** Where this machine sees a path of the room. */
  path(within) {
    return join(`/proc/${this.#pid}/root`, within);
  }

  #inNetwork(program, args) {
    return run('nsenter', ['--target', this.#pid, '--net', '--', program, ...args]);
  }

  #enter(user, script, env) {
    const system = user === 'root' ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' : '/usr/local/bin:/usr/bin:/bin:/usr/games';
    const variables = { HOME: home(user), USER: user, LANG: 'C.UTF-8', TERM: 'dumb', PATH: `${home(user)}/.cargo/bin:${system}`, ...env };
    const become = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--'];
    const as = ['env', '-i', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`), 'sh', '-c', script];
    return ['--target', this.#pid, '--mount', '--net', '--pid', '--ipc', '--uts', '--root', '--wd', '--', ...(user === 'root' ? [] : become), ...as];
  }

  /** Starts a script as a user, at home. */
  start(user, script, env = {}) {
    return new Child('nsenter', this.#enter(user, `cd && ${script}`, env), { stdio: ['pipe', 'pipe', 'pipe'] });
  }

  /** Runs one to its end: `{code, stdout, stderr}`. */
  run(user, script, env = {}) {
    return run('nsenter', this.#enter(user, `cd && ${script}`, env));
  }

  /** Runs one as root, that must succeed; gives what it printed. */
  async root(script) {
    const { code, stdout, stderr } = await this.run('root', `{ ${script}\n}`);
    assert.equal(code, 0, `in the room: ${script}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** A user of the machine who has Rust, as rustup brings it. */
  async settle(user, { sudo = false } = {}) {
    if (user !== 'root') await this.root(`useradd --create-home --shell /bin/bash ${user}`);
    if (sudo) await this.root(`echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${user}`);
    await this.root(`mkdir -p ~${user}/.cargo/bin && ln -s /opt/rust/bin/* ~${user}/.cargo/bin/ &&
      echo 'export PATH="$HOME/.cargo/bin:$PATH"' > ~${user}/.cargo/env`);
    for (const part of ['cache', 'index']) {
      const from = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry', part);
      if (existsSync(from)) cpSync(from, this.path(`${home(user)}/.cargo/registry/${part}`), { recursive: true });
    }
    // As committed: what lies about here is not what others get.
    const repository = join(folder('repository'), 'vitrina');
    await must('git', ['clone', '--quiet', '--depth=1', `file://${REPOSITORY}`, repository]);
    cpSync(repository, this.path('/srv/vitrina'), { recursive: true, verbatimSymlinks: true });
    await this.root(`chown -R ${user}: ~${user} /srv/vitrina`);
  }

  /** The checkout of a user who came by it somehow: no git is needed. */
  async clone(user) {
    await this.root(`cp -a /srv/vitrina ~${user}/vitrina`);
  }

  /** Asks something of the room by HTTP, from within its network: `{status, type, body}`. */
  async get(url) {
    const ask = `fetch(process.argv[1]).then(async (r) => process.stdout.write(JSON.stringify(
      { status: r.status, type: r.headers.get('content-type'), body: Buffer.from(await r.arrayBuffer()).toString('base64') })))`;
    const { code, stdout, stderr } = await this.#inNetwork(process.execPath, ['-e', ask, url]);
    assert.equal(code, 0, stderr);
    const answer = JSON.parse(stdout);
    return { ...answer, body: Buffer.from(answer.body, 'base64') };
  }

  async close() {
    await this.#network?.kill();
    await this.#holder.kill();
    await must('rm', ['-rf', '--one-file-system', this.#root]);
  }
}

/** Puts an old release of Node.js with its npm where it comes first, from npm's registry. */
export async function oldNode(room) {
  const at = folder('node');
  await must('sh', ['-c', `cd ${at} && npm pack --silent node-linux-${process.arch}@12.22.12 npm@6.14.18 >/dev/null &&
    mkdir node npm && tar -xzf node-linux-*.tgz -C node --strip-components=1 && tar -xzf npm-*.tgz -C npm --strip-components=1`]);
  cpSync(join(at, 'node/bin/node'), room.path('/usr/local/bin/node'));
  cpSync(join(at, 'npm'), room.path('/usr/local/lib/node_modules/npm'), { recursive: true });
  await room.root('chmod +x /usr/local/bin/node && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm');
  assert.equal(await room.root('node --version && npm --version'), 'v12.22.12\n6.14.18');
}
