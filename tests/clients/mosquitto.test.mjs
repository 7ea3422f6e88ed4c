// Mosquitto's clients, in both versions of MQTT.

import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';

import { Child, run } from '../harness/child.mjs';
import { openBroker, user } from '../harness/transports.mjs';
import { until } from '../harness/until.mjs';

const COUNT = 50;
const NUMBERS = Array.from({ length: COUNT }, (_, i) => `${i + 1}`);

let broker;
before(async () => (broker = await openBroker(['tls'])));
after(() => broker?.stop());

const at = (url) => ['-h', '127.0.0.1', '-p', new URL(url).port];
const plain = () => at(broker.brokers.mqtt);

/** A subscriber of `count` messages that has subscribed; `lines` are what it printed in the end. */
async function subscriber(args, count) {
  // By lines, so that it reports the subscription at once.
  const child = new Child('stdbuf', ['-oL', 'mosquitto_sub', '-d', '-W', '20', '-C', `${count}`, '-F', 'got %r %q %p', ...args]);
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  await until('it has subscribed', () => /Subscribed/.test(printed));
  child.lines = async () => {
    const end = await child.gone;
    assert.equal(end.code, 0, `${printed}${child.stderr}`);
    return [...printed.matchAll(/^got (.*)$/gm)].map(([, line]) => line);
  };
  return child;
}

async function publish(args) {
  const end = await run('mosquitto_pub', args);
  assert.equal(end.code, 0, end.stderr);
}

for (const version of ['mqttv311', 'mqttv5']) {
  const here = () => [...plain(), '-V', version];

  for (const qos of ['0', '1', '2']) {
    test(`${version}: ${COUNT} messages of QoS ${qos} come once and in order`, async () => {
      const topic = `${version}/${qos}`;
      const sub = await subscriber([...here(), '-q', qos, '-t', topic], COUNT);
      const pub = ['mosquitto_pub', ...here(), '-q', qos, '-t', topic, '-l'];
      const end = await run('sh', ['-c', `seq ${COUNT} | "$@"`, 'sh', ...pub]);
      assert.equal(end.code, 0, end.stderr);
      assert.deepEqual(await sub.lines(), NUMBERS.map((n) => `0 ${qos} ${n}`));
    });
  }

  test(`${version}: what is retained comes to the next, until it is emptied`, async () => {
    const topic = `${version}/retained`;
    await publish([...here(), '-q', '1', '-r', '-t', topic, '-m', 'kept']);
    const next = await subscriber([...here(), '-t', topic], 1);
    assert.deepEqual(await next.lines(), ['1 0 kept']);
    await publish([...here(), '-q', '1', '-r', '-t', topic, '-n']);
    const last = await subscriber([...here(), '-t', topic], 1);
    await publish([...here(), '-t', topic, '-m', 'new']);
    assert.deepEqual(await last.lines(), ['0 0 new']);
  });

  test(`${version}: the will of a client that is killed is published`, async () => {
    const topic = `${version}/will`;
    const heir = await subscriber([...here(), '-q', '1', '-t', topic], 1);
    const will = ['--will-topic', topic, '--will-payload', 'killed', '--will-qos', '1'];
    const client = await subscriber([...here(), '-t', 'nothing', ...will], 1);
    await client.kill();
    assert.deepEqual(await heir.lines(), ['0 1 killed']);
  });

  test(`${version}: what comes while a session is away waits for it`, async () => {
    const topic = `${version}/away`;
    const session = [...here(), '-c', '-i', `${version}-sleeper`, '-q', '1', '-t', topic];
    if (version === 'mqttv5') session.push('-x', '60');
    const asleep = await run('mosquitto_sub', [...session, '-E']);
    assert.equal(asleep.code, 0, asleep.stderr);
    await publish([...here(), '-q', '1', '-t', topic, '-m', 'wake up']);
    const awake = await run('mosquitto_sub', [...session, '-C', '1', '-W', '20']);
    assert.equal(awake.stdout, 'wake up\n', awake.stderr);
  });

  test(`${version}: over TLS`, async () => {
    const secure = [...at(broker.brokers.mqtts), '-V', version, '--cafile', broker.certificate];
    const sub = await subscriber([...secure, '-q', '2', '-t', `${version}/tls`], 1);
    await publish([...secure, '-q', '2', '-t', `${version}/tls`, '-m', 'secret']);
    assert.deepEqual(await sub.lines(), ['0 2 secret']);
  });

  test(`${version}: with a password, over TLS`, async () => {
    const guarded = await openBroker(['tls']);
    const password = await user(guarded, 'ada', 'admin');
    const secure = [...at(guarded.brokers.mqtts), '-V', version, '--cafile', guarded.certificate];
    const log = (word) => [...secure, '-u', 'ada', '-P', word];
    const stranger = await run('mosquitto_pub', [...secure, '-t', 'a', '-m', 'b']);
    assert.notEqual(stranger.code, 0);
    const wrong = await run('mosquitto_pub', [...log('guess'), '-t', 'a', '-m', 'b']);
    assert.notEqual(wrong.code, 0);
    const sub = await subscriber([...log(password), '-t', 'a'], 1);
    await publish([...log(password), '-t', 'a', '-m', 'let in']);
    assert.deepEqual(await sub.lines(), ['0 0 let in']);
    await guarded.stop();
  });
}
