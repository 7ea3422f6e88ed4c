// scripts/need and scripts/tools on machines that a few files pretend to be.

import { strict as assert } from 'node:assert';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { run } from '../harness/child.mjs';
import { folder } from '../harness/scratch.mjs';
import { words } from './readme.mjs';

const repository = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const BASIC = ['sh', 'cat', 'dirname', 'env', 'head', 'sed', 'sort'];

/** A machine with nothing but a shell: programs are put on its PATH by name and script. */
class Machine {
  at = folder('machine');
  bin = join(this.at, 'bin');

  constructor(programs = {}) {
    mkdirSync(this.bin);
    const real = (name) => process.env.PATH.split(':').map((at) => join(at, name)).find(existsSync);
    for (const name of BASIC) symlinkSync(real(name), join(this.bin, name));
    this.put('id', 'echo 0');
    for (const [name, script] of Object.entries(programs)) this.put(name, script);
  }

  put(name, script, at = this.bin) {
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(at, name), 0o755);
  }

  /** An apt-get that tells what it was asked for, and does `installs` then. */
  withApt(installs = ':') {
    this.put('apt-get', `echo "$*" >> ${this.at}/apt\ncase $* in *install*) ${installs} ;; esac`);
    return this;
  }

  /** What was asked of apt-get to be installed. */
  get installed() {
    const asked = existsSync(join(this.at, 'apt')) ? readFileSync(join(this.at, 'apt'), 'utf8') : '';
    return asked.split('\n').filter((line) => line.includes(' install ')).map((line) => line.split('--no-install-recommends ')[1]);
  }

  run(script, args = [], env = {}) {
    const variables = Object.entries({ PATH: this.bin, HOME: this.at, ...env }).map(([name, value]) => `${name}=${value}`);
    return run('env', ['-i', ...variables, repository(script), ...args], { cwd: this.at });
  }

  need(...wants) {
    return this.run('scripts/need', wants);
  }
}

test('what is there is not installed, and nothing is said', async () => {
  const machine = new Machine({ nasm: '' }).withApt();
  assert.deepEqual(await machine.need('nasm:nasm', 'whatever:/etc/passwd'), { code: 0, signal: null, stdout: '', stderr: '' });
  assert.deepEqual(machine.installed, []);
});

test('a folder called cmake is not the program cmake, wherever it is', async () => {
  const machine = new Machine();
  const libraries = join(machine.at, 'usr/lib/x86_64-linux-gnu');
  mkdirSync(join(libraries, 'cmake'), { recursive: true });
  mkdirSync(join(machine.bin, 'cmake'));
  machine.put('cc', `echo ${libraries}/cmake`);
  machine.withApt(`rmdir ${machine.bin}/cmake; cp ${machine.bin}/cc ${machine.bin}/cmake`).put('cp', 'exec /bin/cp "$@"');
  machine.put('rmdir', 'exec /bin/rmdir "$@"');
  const { code, stderr } = await machine.need('cmake:cmake');
  assert.equal(code, 0, stderr);
  assert.deepEqual(machine.installed, ['cmake']);
});

test('a file without the right to run it, a link to nothing and a word of the shell are no programs', async () => {
  const machine = new Machine().withApt();
  machine.put('nasm', '');
  chmodSync(join(machine.bin, 'nasm'), 0o644);
  symlinkSync('/nowhere/cmake', join(machine.bin, 'cmake'));
  await machine.need('nasm:nasm', 'cmake:cmake', 'export:export');
  assert.deepEqual(machine.installed, ['nasm cmake export']);
});

for (const [what, make] of [
  ['a folder', (at) => mkdirSync(at)],
  ['a link to nothing', (at) => symlinkSync('/nowhere/libodd.so', at)],
]) {
  test(`${what} is no library`, async () => {
    const machine = new Machine().withApt();
    make(join(machine.at, 'libodd.so'));
    machine.put('cc', `echo ${machine.at}/libodd.so`);
    await machine.need('libodd-dev:libodd.so');
    assert.deepEqual(machine.installed, ['libodd-dev']);
  });
}

test('a library is there where the compiler has it, a header where it can be included', async () => {
  const machine = new Machine().withApt();
  writeFileSync(join(machine.at, 'libodd.so'), '');
  machine.put('cc', `case $1 in -E) cat | { read -r line; [ "$line" = '#include <odd.h>' ]; } ;; *) echo ${machine.at}/libodd.so ;; esac`);
  assert.equal((await machine.need('libodd-dev:libodd.so', 'libodd-dev:odd.h')).code, 0);
  await machine.need('libeven-dev:even.h');
  assert.deepEqual(machine.installed, ['libeven-dev']);
});

test('a module is what the Python of the tests imports, not a folder of its name', async () => {
  const machine = new Machine().withApt();
  mkdirSync(join(machine.at, 'modules/odd'), { recursive: true });
  mkdirSync(join(machine.at, 'odd'));
  const wants = ['python3-odd:odd', 'python3-json:json.decoder'];
  const plain = await machine.run('scripts/need', wants, { PYTHONPATH: join(machine.at, 'modules') });
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /still missing, although python3-odd came: odd/);

  machine.put('python', 'exit 1');
  const other = await machine.run('scripts/need', wants, { PYTHON: join(machine.bin, 'python') });
  assert.match(other.stderr, /still missing.*: odd json\.decoder \(PYTHON=.*python,/);
  assert.deepEqual(machine.installed, ['python3-odd', 'python3-odd python3-json']);
});

test('a package that brings something else than was said is a failure', async () => {
  const { code, stderr } = await new Machine().withApt().need('nasm:masm');
  assert.equal(code, 1);
  assert.match(stderr, /still missing, although nasm came: masm/);
});

for (const want of ['nasm', 'nasm:', ':nasm', '']) {
  test(`'${want}' is no want`, async () => {
    const machine = new Machine().withApt();
    const { code, stderr } = await machine.need('cmake:cmake', want);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`PACKAGE:WHAT is wanted, not '${want}'`));
    assert.deepEqual(machine.installed, []);
  });
}

test('without apt-get it is said what is missing', async () => {
  const { code, stderr } = await new Machine().need('nasm:nasm', 'libodd-dev:libodd.so');
  assert.equal(code, 1);
  assert.match(stderr, /missing: nasm libodd\.so\. Without apt-get .* packages: nasm libodd-dev$/m);
});

test('without sudo, and with one that refuses, it is said what to install as root', async () => {
  const machine = new Machine({ id: 'echo 1000' }).withApt();
  const without = await machine.need('nasm:nasm');
  assert.equal(without.code, 1);
  assert.match(without.stderr, /there is no sudo\. As root: apt-get install nasm/);
  machine.put('sudo', 'echo "ada is not in the sudoers file" >&2; exit 1');
  const refused = await machine.need('nasm:nasm');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /could not be installed\. As root: apt-get install nasm/);
  assert.deepEqual(machine.installed, []);
});

test('a source of packages that fails does not keep the others from being used', async () => {
  const machine = new Machine().withApt();
  machine.put('apt-get', `case $* in update*) echo 'E: a source' >&2; exit 100 ;; *) cd ${machine.bin}; echo > nasm; exec /bin/chmod +x nasm ;; esac`);
  const { code, stderr } = await machine.need('nasm:nasm');
  assert.equal(code, 0, stderr);
  machine.put('apt-get', 'exit 100');
  const failed = await machine.need('cmake:cmake');
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /could not be installed\. As root: apt-get install cmake/);
});

/** A machine with all that the build needs but `without`, each in a folder of its own. */
function building() {
  const machine = new Machine({ cmake: '', nasm: '' }).withApt();
  writeFileSync(join(machine.at, 'libclang.so'), '');
  machine.put('cc', `case $1 in -E) exit 0 ;; *) echo ${machine.at}/libclang.so ;; esac`);
  const node = (name, version) => {
    machine.put('node', `echo v${version}`, join(machine.at, name));
    machine.put('npm', '', join(machine.at, name));
    return join(machine.at, name);
  };
  const rust = (name, version) => {
    const says = version ? `echo 'rustc ${version} (4d91de4e4 2025-02-17)'` : 'echo no toolchain >&2; exit 1';
    machine.put('rustc', says, join(machine.at, name));
    machine.put('cargo', '', join(machine.at, name));
    return join(machine.at, name);
  };
  const tools = (...folders) => machine.run('scripts/tools', [], { PATH: [...folders, machine.bin].join(':') });
  return { machine, node, rust, tools };
}

test('PATH stays as it is where its Rust and its Node.js are new enough', async () => {
  const { machine, node, rust, tools } = building();
  const folders = [node('node', '18.0.0'), rust('rust', '1.95.0')];
  const { stdout, stderr } = await tools(...folders);
  assert.equal(stderr, '');
  assert.equal(stdout.trim(), [...folders, machine.bin].join(':'));
});

test('an older Rust and an older Node.js that come first are passed over', async () => {
  const { node, rust, tools } = building();
  const [oldNode, newNode] = [node('a', '12.22.12'), node('b', '20.19.2')];
  const [oldRust, newRust] = [rust('c', '1.85.1'), rust('d', '1.100.0')];
  const { stdout, stderr } = await tools(oldNode, oldRust, newNode, newRust);
  assert.equal(stderr, '');
  assert.ok(stdout.startsWith(`${newRust}:${newNode}:${oldNode}:`), stdout);
});

test('a Node.js without npm beside it is passed over', async () => {
  const { machine, node, rust, tools } = building();
  machine.put('node', 'echo v22.0.0', join(machine.at, 'alone'));
  const both = node('both', '18.20.0');
  const { stdout } = await tools(join(machine.at, 'alone'), both, rust('rust', '1.95.0'));
  assert.ok(stdout.startsWith(`${both}:`), stdout);
});

test('the Rust of rustup is found where PATH does not have it yet', async () => {
  const { node, rust, tools } = building();
  const hidden = rust('.cargo/bin', '1.96.0');
  const { stdout } = await tools(node('node', '18.0.0'), rust('debian', '1.63.0'));
  assert.ok(stdout.startsWith(`${hidden}:`), stdout);
});

for (const [what, version, told] of [
  ['too old', '1.85.1', /1\.95 or newer is needed.*rustc \(1\.85\.1\)\. https:\/\/rustup\.rs/],
  ['a rustup that has none', '', /1\.95 or newer is needed.*rustc \(it tells no version\)/],
  ['missing', undefined, /1\.95 or newer is needed.*found: none\./],
]) {
  test(`Rust that is ${what} is told together with what else is missing`, async () => {
    const { machine, node, rust, tools } = building();
    machine.put('id', 'echo 1000');
    machine.put('nasm', '');
    chmodSync(join(machine.bin, 'nasm'), 0o644);
    const folders = [node('node', '18.0.0')];
    if (version !== undefined) folders.push(rust('rust', version));
    const { code, stdout, stderr } = await tools(...folders);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, told);
    assert.match(stderr, /As root: apt-get install nasm/);
  });
}

test('the README asks for the versions that the build asks for', () => {
  const rust = /^rust-version = "(.*)"/m.exec(readFileSync(repository('Cargo.toml'), 'utf8'))[1];
  const node = JSON.parse(readFileSync(repository('gallery/web/package.json'), 'utf8')).engines.node;
  assert.equal(words('Try it', /Rust (\S+) or newer/), rust);
  assert.equal(`>=${words('Try it', /Node\.js (\S+) or newer/)}`, node);
});
