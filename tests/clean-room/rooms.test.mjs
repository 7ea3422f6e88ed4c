// The README's words on machines that never saw Vitrina. ROOMS, a pattern of names, chooses; ROOMS_PROFILE=release builds as
// users do instead of quickly.

import { strict as assert } from 'node:assert';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { size } from '../harness/jpeg.mjs';
import { until } from '../harness/until.mjs';
import { code, words } from './readme.mjs';
import { hindrance, oldNode, Room } from './room.mjs';

const SUITES = { 12: 'bookworm', 13: 'trixie' };
const CHOSEN = new RegExp(process.env.ROOMS ?? 'Debian 13: (only what|who may not|what the tests need)');
const PROFILE = process.env.ROOMS_PROFILE === 'release' ? {} : {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '0',
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '256',
};
/** As long as a small machine may take to build it, in ms. */
const BUILD = 3 * 60 * 60 * 1000;

const TRACE = /panicked|backtrace|Traceback|SyntaxError|^ +at .*:\d+/m;
const TRY = 'Try it';
const PI = 'Five minutes on a Raspberry Pi';
const [[MAKE_RUN]] = code(TRY);
const [, [READY]] = code(TRY);

const hindered = await hindrance();
if (hindered && process.env.CI === 'true') throw new Error(`no clean room: ${hindered}`);

let chosen = 0;

/** A test in a room of each Debian. */
function inRoom(name, packages, body) {
  for (const [number, suite] of Object.entries(SUITES)) {
    const full = `Debian ${number}: ${name}`;
    if (!CHOSEN.test(full)) continue;
    chosen += 1;
    test(full, { skip: hindered && `NO CLEAN ROOM: ${hindered}` }, async () => {
      const room = await Room.open(suite, packages);
      try {
        await body(room);
      } finally {
        await room.close();
      }
    });
  }
}

/** The line that says that all runs; what was said before it, if it does not come. */
async function ready(child) {
  let said = '';
  const line = new Promise((resolve) => {
    createInterface(child.stdout).on('line', (text) => {
      said += `${text}\n`;
      if (text.startsWith('ready ')) resolve(text);
    });
  });
  const ended = child.gone.then(({ code, signal }) => {
    throw new Error(`it ended with ${code ?? signal}: ${said.slice(-4000)}${child.stderr.slice(-8000)}`);
  });
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('it takes too long')), BUILD)));
  return Promise.race([line, ended, late]).finally(() => clearTimeout(timer));
}

/** Sees that the first camera gives a picture where the README says. */
async function picture(room, site = 'http://127.0.0.1:8080') {
  const [place] = code('For VLC, OctoPrint, Home Assistant and the like').flat().filter((line) => line.includes('snapshot.jpg'));
  const camera = await until('a camera', async () => JSON.parse((await room.get(`${site}/api/cameras`)).body)[0], { limit: 60_000 });
  const url = place.replace(/ .*/, '').replace('http://127.0.0.1:8080', site).replace('NODE/CAMERA', camera.camera);
  const { body } = await until('a picture', async () => {
    const answer = await room.get(url);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
    return answer;
  }, { limit: 60_000 });
  assert.match(size(body), /^\d+x\d+$/);
  assert.equal(body.readUInt16BE(body.length - 2), 0xffd9, 'the picture is whole');
}

/** What the first sentence of the README says must be there already, as packages. */
const asked = words(TRY, /with Rust \d+\.\d+ or newer and ([a-z]+)[.:,]/).split(' and ');

inRoom('only what the README asks for, as root', asked, async (room) => {
  await room.settle('root');
  await room.clone('root');
  const vitrina = room.start('root', `cd vitrina && ${MAKE_RUN}`, PROFILE);
  assert.equal(await ready(vitrina), READY);
  await picture(room);
  await vitrina.stop();
});

inRoom('a Raspberry Pi, by a user who may use sudo', ['sudo', 'systemd', 'ca-certificates'], async (room) => {
  await room.settle('ada', { sudo: true });
  const [start, stay] = code(PI);
  const rust = start.findIndex((line) => line === 'curl https://sh.rustup.rs -sSf | sh -s -- -y && . ~/.cargo/env');
  assert.notEqual(rust, -1, 'the README brings Rust by rustup');
  // It is there: only what rustup says to do next is left.
  start[rust] = '. ~/.cargo/env';
  const script = start.join('\n').replace('<this repository>', '/srv/vitrina');
  const vitrina = room.start('ada', `set -e\n${script}`, { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/games', ...PROFILE });
  vitrina.stdin.write('y\n'); // apt asks
  assert.match(await ready(vitrina), /gallery=http:\/\/(?!0\.|127\.)\S+:8080 broker=mqtt:\/\/(?!0\.|127\.)\S+:1883/);
  await picture(room);
  await vitrina.stop();
  // No systemd runs here, so that the unit cannot start now.
  const kept = await room.run('ada', `set -e\n${stay.join('\n').replace(' --now', '')}`);
  assert.equal(kept.code, 0, kept.stderr);
  assert.match(await room.root('cat /etc/vitrina/vitrina.toml'), /^open = true/m);
  assert.equal(await room.root('systemctl is-enabled vitrina'), 'enabled');
});

/** What is set for other work must not change where things are built, or what npm brings. */
const SETTINGS = { NODE_ENV: 'production', npm_config_omit: 'optional', CARGO_TARGET_DIR: '/home/ada/target', ...PROFILE };
const DEVELOPERS = ['make', 'sudo', 'build-essential', 'pkg-config', 'libturbojpeg0-dev', 'libexpat1-dev', 'libclang1', 'mosquitto', 'python3', 'procps'];

inRoom('what a developer has: -dev packages, an old Node.js, a broker', DEVELOPERS, async (room) => {
  await room.settle('ada', { sudo: true });
  await room.clone('ada');
  // A folder of that name where libraries are has hidden that cmake is missing.
  await room.root('ls -d /usr/lib/*-linux-gnu/cmake');
  await oldNode(room);
  await room.root('mosquitto -d -p 1883');

  const first = await room.run('ada', `cd vitrina && ${MAKE_RUN}`, SETTINGS);
  assert.notEqual(first.code, 0);
  assert.match(first.stderr, /cannot listen for MQTT on 127\.0\.0\.1:1883/);
  assert.doesNotMatch(first.stderr, TRACE);
  const other = words(TRY, /`(make run ARGS=[^`]+)`/);
  assert.match(first.stderr, new RegExp(/'(.*)'/.exec(other)[1]), 'the program says what the README says');

  const vitrina = room.start('ada', `cd vitrina && ${other}`, SETTINGS);
  assert.equal(await ready(vitrina), READY.replace('1883', '1884'));
  await picture(room);
  // The same for the other port.
  const busy = await room.run('ada', `cd vitrina && ${other.replace('1884', '1885')}`, SETTINGS);
  assert.notEqual(busy.code, 0);
  assert.match(busy.stderr, /127\.0\.0\.1:8080.*--set gallery\.listen=/);
  assert.doesNotMatch(busy.stderr, TRACE);
  await vitrina.stop();
});

inRoom('who may not install anything is told what to install', ['make'], async (room) => {
  await room.settle('ada');
  await room.clone('ada');
  await oldNode(room);
  const told = async (env) => {
    const { code, stderr } = await room.run('ada', `cd vitrina && ${MAKE_RUN}`, env);
    assert.notEqual(code, 0);
    assert.match(stderr, /As root: apt-get install (?=.*\bgcc\b)(?=.*\blibc6-dev\b)(?=.*\bcmake\b)(?=.*\bnasm\b)(?=.*\blibclang-dev\b)(?=.*\bnpm\b)/);
    assert.match(stderr, /Node\.js \S+ or newer is needed.*\/usr\/local\/bin\/node \(12\.22\.12\)/);
    assert.doesNotMatch(stderr, TRACE);
    return stderr;
  };
  assert.match(await told(), /there is no sudo/);
  assert.match(await told({ CARGO_HOME: '/nowhere', PATH: '/usr/local/bin:/usr/bin:/bin' }), /Rust \S+ or newer is needed.*none/);
  await room.root('apt-get update -qq && apt-get install -y -qq --no-install-recommends sudo >/dev/null');
  assert.match(await told(), /could not be installed/);
});

inRoom('what the tests need can be had', asked, async (room) => {
  await room.settle('root');
  await room.clone('root');
  const { code, stderr } = await room.run('root', 'cd vitrina && scripts/test needs');
  assert.equal(code, 0, stderr);
});

assert.notEqual(chosen, 0, `no room is called ${CHOSEN}`);
