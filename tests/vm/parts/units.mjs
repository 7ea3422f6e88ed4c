import { strict as assert } from 'node:assert';
import { fileURLToPath } from 'node:url';

import { until } from '../../harness/until.mjs';
import { end } from './main.mjs';

const UNITS = fileURLToPath(new URL('../../../systemd', import.meta.url));
const SOON = { limit: 60_000, every: 500 };

/** The units as they are shipped, under systemd itself. */
export async function units(t, rig) {
  const { guest } = rig;
  await end(rig);
  await guest.put(UNITS, '/run/units');
  await guest.sh(`cp /usr/local/bin/vitrina /usr/bin/ && cp /run/units/*.service /etc/systemd/system/ &&
    cp /run/units/vitrina.sysusers /usr/lib/sysusers.d/vitrina.conf && systemd-sysusers && systemctl daemon-reload`);
  const property = (name, unit = 'vitrina') => guest.sh(`systemctl show -P ${name} ${unit}`);
  const start = async (names) => {
    const { code, output } = await guest.try(`systemctl start ${names} || journalctl -n 50 --no-pager`);
    assert.equal(code, 0, output);
    for (const name of names.split(' ')) assert.equal(await property('ActiveState', name), 'active', output);
  };
  /** The retained state of the webcam, as the guest's own broker has it. */
  const webcam = () => guest.sh("timeout 5 mosquitto_sub -C 1 -t 'vitrina/+/rig-test-camera-rig0000/state'");
  const works = () => until('the webcam works', async () => {
    const state = JSON.parse(await webcam());
    if (state.state === 'idle' || state.state === 'live') return true;
    throw new Error(JSON.stringify(state));
  }, SOON);

  await t.test('vitrina.service is active when it is ready, and reads the webcam in its sandbox', async () => {
    await start('vitrina');
    await works();
    await guest.sh('curl -fsS http://127.0.0.1:8080/healthz');
  });

  await t.test('it is not easily exposed', async () => {
    const told = await guest.sh('systemd-analyze security --no-pager vitrina.service | tail -1');
    t.diagnostic(told);
    assert.ok(Number(/: ([\d.]+)/.exec(told)[1]) < 2, told);
  });

  await t.test('a process that hangs is restarted by the watchdog', async () => {
    // Sooner than as shipped, so that the test need not wait for it.
    await guest.sh(`mkdir -p /run/systemd/system/vitrina.service.d && systemctl stop vitrina && systemctl daemon-reload &&
      printf '[Service]\\nWatchdogSec=10s\\n' > /run/systemd/system/vitrina.service.d/sooner.conf && systemctl daemon-reload`);
    await start('vitrina');
    const pid = await property('MainPID');
    await guest.sh(`kill -STOP ${pid}`);
    await until('another process', async () => {
      const now = await property('MainPID');
      return now !== '0' && now !== pid && (await property('ActiveState')) === 'active';
    }, SOON);
    assert.match(await guest.sh('journalctl -u vitrina --no-pager'), /[Ww]atchdog/);
    await works();
  });

  await t.test('a process that works is not', async () => {
    const pid = await property('MainPID');
    const began = Number(await property('ExecMainStartTimestampMonotonic'));
    await until('it has fed the watchdog for longer than that waits', async () =>
      Number(await property('WatchdogTimestampMonotonic')) > began + 12e6, SOON);
    assert.equal(await property('MainPID'), pid);
  });

  await t.test('the three parts take its place, and it theirs', async () => {
    await start('vitrina-broker vitrina-gallery vitrina-node');
    assert.notEqual(await property('ActiveState'), 'active');
    await works();
    await start('vitrina');
    assert.notEqual(await property('ActiveState', 'vitrina-broker'), 'active');
  });

  await t.test('it stops gracefully', async () => {
    await guest.sh('systemctl stop vitrina');
    assert.equal(await property('Result'), 'success');
  });
}
