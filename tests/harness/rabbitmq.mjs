// RabbitMQ with its MQTT plugin, in a Debian in a folder: nothing is installed on this machine.

import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Child, run } from './child.mjs';
import { freePort } from './port.mjs';
import { folder } from './scratch.mjs';
import { until } from './until.mjs';

/** Why none can run here; undefined if one can. */
export async function hindrance() {
  if (process.getuid() !== 0) return 'a Debian in a folder is made by root alone';
  for (const program of ['mmdebstrap', 'unshare']) {
    if ((await run('sh', ['-c', `command -v ${program}`])).code !== 0) return `there is no ${program}`;
  }
  return undefined;
}

/** A root of a suite of Debian that has RabbitMQ; it takes some minutes. */
export async function root(suite) {
  const at = join(process.env.RABBITMQ_ROOTS ?? folder('debian'), suite);
  if (existsSync(at)) return at;
  const mirrors = await run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Label: Debian']);
  const made = await run('mmdebstrap', [
    '--quiet', '--mode=root', '--variant=minbase', '--dpkgopt=force-unsafe-io', '--include=rabbitmq-server',
    suite, at, ...mirrors.stdout.split('\n', 1).filter(Boolean),
  ]);
  assert.equal(made.code, 0, made.stderr);
  return at;
}

/** Removes the data of an earlier broker of this root. */
export const empty = (at) => rmSync(join(at, 'var/lib/rabbitmq/mnesia'), { recursive: true, force: true });

// It shares this machine's network, so that its port can be reached, and sees no other process.
const ENTER = `
set -eu
cd "$ROOT"
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/shm
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t proc proc proc
exec chroot . /usr/lib/rabbitmq/bin/rabbitmq-server
`;

/**
 * A RabbitMQ of such a root, on a port of the loopback that is `port` of what it gives. What it keeps
 * is in the root. `lines` are those of its configuration beyond that.
 */
export async function rabbitmq(at, lines = [], { port, tries = 3 } = {}) {
  port ??= await freePort();
  mkdirSync(join(at, 'etc/vitrina'), { recursive: true });
  const file = (name, ...text) => writeFileSync(join(at, 'etc/vitrina', name), `${text.join('\n')}\n`);
  file('enabled_plugins', '[rabbitmq_mqtt].');
  file('rabbitmq.conf', 'listeners.tcp = none', `mqtt.listeners.tcp.1 = 127.0.0.1:${port}`, 'log.console = true', ...lines);
  file('empty.conf');
  writeFileSync(join(at, 'etc/hosts'), '127.0.0.1 localhost\n');
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/var/lib/rabbitmq', LANG: 'C.UTF-8', ROOT: at,
    RABBITMQ_NODENAME: 'vitrina@localhost', RABBITMQ_CONFIG_FILE: '/etc/vitrina/rabbitmq', RABBITMQ_CONF_ENV_FILE: '/etc/vitrina/empty.conf',
    RABBITMQ_ENABLED_PLUGINS_FILE: '/etc/vitrina/enabled_plugins', RABBITMQ_LOGS: '-',
    // Whatever else it opens is no service of this machine.
    RABBITMQ_DIST_PORT: `${await freePort()}`, ERL_EPMD_PORT: `${await freePort()}`, ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S1:1 -kernel inet_dist_use_interface {127,0,0,1}',
  };
  const broker = new Child('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER], { env }).unref();
  let log = '';
  broker.stdout.setEncoding('utf8').on('data', (text) => (log += text));
  const runs = () => log.includes('Server startup complete');
  await until('RabbitMQ runs, or not', () => !broker.alive || runs() || log.includes('BOOT FAILED'), { limit: 120_000 });
  if (!runs()) {
    await broker.kill();
    // Another program took one of the ports meanwhile.
    if (tries > 1 && log.includes('dist_port_already_used')) return rabbitmq(at, lines, { port, tries: tries - 1 });
    throw new Error(log + broker.stderr);
  }
  /** The one process of its space, which ends all others with it. */
  const [pid] = readFileSync(`/proc/${broker.pid}/task/${broker.pid}/children`, 'utf8').split(' ');
  const stop = async () => {
    process.kill(Number(pid), 'SIGTERM');
    const timer = setTimeout(() => broker.signal('SIGKILL'), 30_000);
    const end = await broker.gone;
    clearTimeout(timer);
    return end;
  };
  /** Runs rabbitmqctl, which must succeed. */
  const control = async (...args) => {
    const enter = ['--target', pid, '--mount', '--pid', '--root', '--wd', '--', '/usr/sbin/rabbitmqctl', ...args];
    const { code, stdout, stderr, error } = await run('nsenter', enter, { env });
    assert.equal(code, 0, `rabbitmqctl ${args.join(' ')}: ${error ?? ''}${stdout}${stderr}`);
  };
  return Object.assign(broker, { port, stop, control, log: () => log });
}
