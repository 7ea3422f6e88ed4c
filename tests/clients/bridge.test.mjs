// A house's own Mosquitto, joined to this broker by a bridge with its defaults.

import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';

import { mosquitto } from '../harness/brokers.mjs';
import { run } from '../harness/child.mjs';
import { openBroker, user } from '../harness/transports.mjs';
import { Subscriber } from '../harness/mosquitto.mjs';
import { until } from '../harness/until.mjs';

let broker;
before(async () => (broker = await openBroker([])));
after(() => broker?.stop());

const port = (of) => new URL(of.brokers.mqtt).port;

async function publish(at, topic, payload, ...more) {
  const end = await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', `${at}`, '-q', '1', '-t', topic, '-m', payload, ...more]);
  assert.equal(end.code, 0, end.stderr);
}

for (const version of ['mqttv31', 'mqttv311', 'mqttv50']) {
  test(`${version}: what is said on one side is heard once on the other, both ways`, async () => {
    await publish(port(broker), `house/${version}/before`, 'kept', '-r');
    const house = await mosquitto([
      'allow_anonymous true',
      `connection to-vitrina-${version}`,
      `address 127.0.0.1:${port(broker)}`,
      `bridge_protocol_version ${version}`,
      'topic house/# both 1',
      'restart_timeout 1',
    ]);
    const [here, there] = [port(broker), house.port].map((at) => new Subscriber(at, ['house/#', '$SYS/broker/connection/#']));
    const of = (side, word) => side.messages.filter(({ payload }) => `${payload}` === word);
    await until('the bridge says here that it is connected', () => of(here, '1').length > 0);
    await until('what is retained came over', () => of(there, 'kept').length > 0);
    await publish(port(broker), `house/${version}/a`, 'from here');
    await publish(house.port, `house/${version}/b`, 'from there');
    await until('each hears the other', () => of(there, 'from here').length > 0 && of(here, 'from there').length > 0);
    // A loop would have brought it again before this.
    await publish(port(broker), `house/${version}/end`, 'end');
    await until('the end is heard on both sides', () => of(there, 'end').length > 0 && of(here, 'end').length > 0);
    for (const word of ['from here', 'from there', 'end']) {
      assert.deepEqual([of(here, word).length, of(there, word).length], [1, 1], word);
    }
    // Retained on one side, it is on the other.
    await publish(port(broker), `house/${version}/fact`, 'fact', '-r');
    await until('the fact is heard there', () => of(there, 'fact').length > 0);
    const late = new Subscriber(house.port, [`house/${version}/fact`]);
    await until('a late one hears it', () => of(late, 'fact').length > 0);
    assert.ok(of(late, 'fact')[0].retained);
    await house.kill();
    await until('its will says that it is gone', () => of(here, '0').length > 0);
    for (const it of [here, there, late]) await it.stop();
  });
}

test('a refused client is told of in the log once, by its address and the reason', async () => {
  const guarded = await openBroker([]);
  await user(guarded, 'ada', 'admin');
  for (const id of ['first', 'second']) {
    const end = await run('mosquitto_pub', ['-h', '127.0.0.1', '-p', port(guarded), '-i', id, '-t', 'a', '-m', 'b']);
    assert.notEqual(end.code, 0);
  }
  const told = guarded.stderr.split('\n').filter((line) => /refused a client/.test(line));
  assert.equal(told.length, 1, guarded.stderr);
  assert.match(told[0], /127\.0\.0\.1.*first.*no user name was given/);
  await guarded.stop();
});
