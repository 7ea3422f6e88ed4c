// Paho, the MQTT client of most Python programs, in both versions of MQTT: every QoS, a picture,
// retained messages, wills, TLS and passwords.

import { strict as assert } from 'node:assert';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { run } from '../harness/child.mjs';
import { openBroker, user } from '../harness/transports.mjs';

const SCRIPT = fileURLToPath(new URL('speak.py', import.meta.url));
// Debian's Python has Debian's paho-mqtt; another one may come first in PATH.
const PYTHON = process.env.PYTHON ?? '/usr/bin/python3';

let broker, password;
before(async () => {
  broker = await openBroker(['tls']);
  password = await user(broker, 'ada', 'admin');
});
after(() => broker?.stop());

for (const version of ['3.1.1', '5']) {
  test(`paho-mqtt speaks MQTT ${version}`, async () => {
    const ports = [broker.brokers.mqtt, broker.brokers.mqtts].map((url) => new URL(url).port);
    const end = await run(PYTHON, [SCRIPT, version, ...ports, broker.certificate, 'ada', password]);
    assert.equal(end.code, 0, end.stderr);
  });
}
