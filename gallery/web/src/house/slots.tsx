// What somebody may see, seen: a slot for each camera in the wall's order, black where the door is
// shut. Of many cameras words say it.

import { cameras } from "../net/gallery";
import type { Camera } from "../net/messages";
import { sees, toggled } from "../net/patterns";
import { complain } from "../page/notices/toast";
import { words } from "../words/language";
import { listed } from "../words/list";

/** The most cameras that have slots. */
const MOST = 12;

export function Slots({ patterns }: { patterns: string[] | null }) {
  const all = cameras.value ?? [];
  if (all.length === 0 || all.length > MOST) return <div />;
  const seen = all.filter(({ camera }) => sees(patterns, camera));
  const label =
    patterns === null
      ? words.value.logins.everyCamera
      : listed(
          seen.map(({ name }) => name),
          words.value,
        );
  return (
    <div
      class="slots"
      role="img"
      aria-label={label || words.value.logins.cameras(0)}
      style={{ "--n": all.length }}
    >
      {all.map((camera) => (
        <span key={camera.camera}>{seen.includes(camera) && <Picture camera={camera} />}</span>
      ))}
    </div>
  );
}

interface SwitchesProps {
  name: string;
  patterns: string[] | null;
  choose: (to: string[]) => void;
}

/** The same as switches. */
export function Switches({ name, patterns, choose }: SwitchesProps) {
  const all = cameras.value ?? [];
  const { logins } = words.value;
  const press = (camera: string): void => {
    const now = toggled(
      patterns,
      camera,
      all.map(({ camera }) => camera),
    );
    if (now.length > 0) choose(now);
    else complain(logins.oneCamera, logins.oneCameraHelp);
  };
  const isMany = all.length > MOST;
  return (
    <div
      class={isMany ? "slots named" : "slots wide"}
      role="group"
      aria-label={logins.seenBy(name)}
    >
      {all.map((camera) => (
        <button
          key={camera.camera}
          role="checkbox"
          aria-checked={sees(patterns, camera.camera)}
          onClick={() => press(camera.camera)}
        >
          {!isMany && <Picture camera={camera} />}
          <span>{camera.name}</span>
        </button>
      ))}
    </div>
  );
}

/** The picture of now, as it was when the list was opened: never of a camera that is off. */
function Picture({ camera: { camera, state } }: { camera: Camera }) {
  if (state === "off" || state === "ended") return null;
  const url = new URL(`cameras/${camera}/snapshot.jpg`, document.baseURI).href;
  return (
    <img
      src={url}
      alt=""
      onError={(event) => (event.currentTarget.style.visibility = "hidden")}
      onLoad={(event) => (event.currentTarget.style.visibility = "")}
    />
  );
}
