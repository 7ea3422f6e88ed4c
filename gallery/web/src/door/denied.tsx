// One page for what is missing and for what is not for this person, with the same words; below it is
// what they may see.

import { leave } from "../page/keys/keys";
import { cameras } from "../net/gallery";
import { allows, caller, type Me } from "../net/me";
import { enlarge, toLogin } from "../page/route";
import { hoursText } from "../words/hours";
import { words } from "../words/language";
import { listed } from "../words/list";
import type { Words } from "../words/words";
import { Tile } from "../wall/tile/tile";

const FPS = 10;

/** The most cameras that are named. */
const NAMED = 4;

/** Whether this person may see all there is, so that what is not here is missing. */
export function seesAll(): boolean {
  const me = caller.value;
  return me === null || !me.users || (me.name !== null && me.cameras === null && !me.hours);
}

export function Denied() {
  const { denied, door, toWall } = words.value;
  const me = caller.value;
  const list = cameras.value ?? [];
  const names = list.map(({ name }) => name);
  return (
    <section class="house" aria-label={denied.title}>
      <div class="door denied">
        <h1 tabIndex={-1}>{denied.title}</h1>
        {me && <p>{standing(me, names, words.value)}</p>}
        <div class="acts">
          {(me === null || allows(me, "look")) && (
            <button class="pill" onClick={leave}>
              {toWall}
            </button>
          )}
          {me?.users && (
            <button class="pill dim" onClick={toLogin}>
              {me.name === null ? door.logIn : denied.another}
            </button>
          )}
        </div>
      </div>
      <ul class="only" role="list">
        {list.map((camera) => (
          <Tile key={camera.camera} camera={camera} fps={FPS} open={() => enlarge(camera.camera)} />
        ))}
      </ul>
    </section>
  );
}

/** Who this is, what they may look at and when, and who can let them see more. */
function standing(me: Me, names: readonly string[], all: Words): string {
  const { denied } = all;
  if (me.name === null || me.role === null || me.role === "visitor") return denied.visiting;
  return `${denied.you[me.role](me.name)} ${limits(me, names, all)}`;
}

/** What somebody may look at and when; `names` are those of the cameras that they see. */
export function limits(me: Me, names: readonly string[], all: Words): string {
  const { denied } = all;
  const { administrators, hours, cameras, role } = me;
  const when = hours ? hoursText(hours, all) : null;
  const told: string[] = [];
  if (cameras === null) told.push(denied.mayAll(when));
  else if (names.length === 0) told.push(denied.mayNone);
  else if (names.length <= NAMED) told.push(denied.may(listed(names, all), when));
  else told.push(denied.may(denied.cameras(names.length), when));
  const isLimited = cameras !== null || hours !== null;
  if (isLimited && role !== "admin" && administrators.length > 0) {
    told.push(denied.letMore(listed(administrators, all), administrators.length));
  }
  return told.join(" ");
}
