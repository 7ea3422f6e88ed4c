import { strict as assert } from 'node:assert';

import { end } from './main.mjs';

/** `vitrina cameras`. */
export async function list(t, rig) {
  const { guest } = rig;
  await end(rig);

  await t.test('it lists cameras by their stable names, and says of the others why they are none', async () => {
    const text = await guest.sh('vitrina cameras --data /var/lib/vitrina-test');
    t.diagnostic(text);
    assert.match(text, /rig-test-camera-rig0000/);
    assert.match(text, /usb-Rig_Rig_Test_Camera_RIG0000-video-index0/);
    assert.match(text, /MJPG.*1280x720/s);
    assert.match(text, /vivid/);
    assert.match(text, /metadata/i);
  });

  await t.test('without any camera it says so', async () => {
    await guest.webcam(0, 'unplug');
    await guest.sh('echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind; udevadm settle');
    try {
      const { code, output } = await guest.try('vitrina cameras --data /var/lib/vitrina-test');
      assert.equal(code, 0, output);
      assert.match(output, /no video device/);
    } finally {
      await guest.sh('echo vivid.0 > /sys/bus/platform/drivers/vivid/bind');
      await guest.webcam(0, 'plug');
    }
  });
}
