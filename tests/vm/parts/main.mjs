// The process that most parts look at: everything in one, in the guest, with all cameras.

import { Subscriber } from '../../harness/mosquitto.mjs';
import { GuestVitrina } from '../../harness/vm.mjs';
import { until } from '../../harness/until.mjs';

/** A webcam, a raw camera, and a webcam that is seldom plugged in. */
export const DOOR = 'guest/door';
export const COLOURS = 'guest/colours';
export const WINDOW = 'guest/window';

export const WEBCAM = '/dev/v4l/by-id/usb-Rig_Rig_Test_Camera_RIG0000-video-index0';
export const OTHER = '/dev/v4l/by-id/usb-Rig_Rig_Test_Camera_RIG0001-video-index0';
export const VIVID = '/dev/v4l/by-path/platform-vivid.0-video-index0';

/** What the guest's node is told: the sizes and rates that an emulated processor can keep. */
const CONFIG = `
[broker]
listen = "0.0.0.0:1883"
[gallery]
listen = "0.0.0.0:8080"
[node]
name = "guest"
[[node.camera]]
device = "${WEBCAM}"
name = "door"
width = 1280
height = 720
[[node.camera]]
device = "${VIVID}"
name = "colours"
width = 320
height = 180
fps = 10
[[node.camera]]
device = "${OTHER}"
name = "window"
width = 320
height = 240
fps = 5
`;

/** What is said on a broker, and waiting for it. */
export function listen(port) {
  const facts = new Subscriber(port, ['vitrina/#']);
  return {
    port,
    facts,
    /** Waits for a state of a camera. */
    state: (camera, is, options) => facts.fact(`vitrina/${camera}/state`, is, { limit: 30_000, ...options }),
    /** The figures of a camera in stats that are still to come. */
    figures: async (camera) => {
      const [node, name] = camera.split('/');
      const have = facts.messages.length;
      const next = () => facts.messages.slice(have).findLast(({ topic }) => topic === `vitrina/${node}/stats`);
      await until('stats', next, { limit: 40_000 });
      return JSON.parse(next().payload).cameras[name];
    },
  };
}

/** Writes the configuration, and gives the options that use it. */
export async function configured(guest) {
  await guest.sh(`cat > /etc/vitrina-test.toml <<'END'\n${CONFIG}\nEND`);
  return '--config /etc/vitrina-test.toml --data /var/lib/vitrina-test';
}

/** Starts it if it does not run, and gives what the tests need of it. */
export async function main(rig) {
  if (rig.main) return rig.main;
  const { guest } = rig;
  const vitrina = await GuestVitrina.start(guest, 'main', `${await configured(guest)} --open`);
  const wall = `http://127.0.0.1:${guest.port(8080)}/`;
  rig.main = { vitrina, wall, ...listen(guest.port(1883)) };
  return rig.main;
}

/** Ends it. */
export async function end(rig) {
  if (!rig.main) return;
  await rig.main.facts.stop();
  await rig.main.vitrina.stop();
  rig.main = null;
}
