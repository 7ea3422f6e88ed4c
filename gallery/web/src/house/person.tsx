// One person's row, and the same opened: one sentence in which each phrase can be another one.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Field } from "../door/field";
import { Acts, SecretForm } from "../door/secret-form";
import { ahead, cameras } from "../net/gallery";
import type { User } from "../net/logins";
import { caller, ROLES, type Hours, type Role } from "../net/me";
import { sees } from "../net/patterns";
import { Phrase } from "../page/choices";
import { tick } from "../page/tick";
import { ageText } from "../words/age";
import { filled } from "../words/filled";
import { clockText, hoursText } from "../words/hours";
import { words } from "../words/language";
import { listed } from "../words/list";
import { sentence } from "../words/words";
import { isLast } from "./last";
import { Slots, Switches } from "./slots";
import { change, remove } from "./users";

/** The gallery knows it as exactly as this, in milliseconds. */
const LATELY = 15 * 60_000;

export function Row({ user, open }: { user: User; open: () => void }) {
  const { logins } = words.value;
  return (
    <li data-user={user.name}>
      <div class="n">
        <span dir="auto">{user.name}</span>
        <small>{summary(user)}</small>
      </div>
      <Slots patterns={user.cameras} />
      <button
        class="hit"
        data-name={user.name}
        aria-expanded="false"
        aria-label={logins.change(user.name)}
        onClick={open}
      />
    </li>
  );
}

/** What somebody is, which cameras they see and when, and when they were here: one sentence each. */
function summary({ name, role, cameras, hours, seen }: User): string {
  const { logins } = words.value;
  const isSelf = name === caller.value?.name;
  const told = [sentence(logins.roles[role])];
  if (role !== "admin" || cameras !== null) {
    const which = camerasText(cameras);
    told.push(sentence(hours ? `${which}, ${hoursText(hours, words.value)}` : which));
  }
  const now = tick.value;
  const at = seen === null ? null : seen + ahead;
  if (isSelf) told.push(logins.youHere);
  else if (at === null) told.push(logins.never);
  else if (now - at < LATELY) told.push(logins.hereLately);
  else told.push(sentence(ageText(at, now, words.value)));
  return `${told.join(". ")}.`;
}

/** The most cameras that are named. */
const NAMED = 2;

/** `every camera`, `Stage and Workbench`, `four cameras`. */
function camerasText(patterns: string[] | null): string {
  const { logins } = words.value;
  if (patterns === null) return logins.everyCamera;
  const seen = (cameras.value ?? []).filter(({ camera }) => sees(patterns, camera));
  const names = seen.map(({ name }) => name);
  return names.length > 0 && names.length <= NAMED
    ? listed(names, words.value)
    : logins.cameras(names.length);
}

interface OpenedProps {
  user: User;
  all: readonly User[];
  close: () => void;
}

export function Opened({ user, all, close }: OpenedProps) {
  const row = useRef<HTMLLIElement>(null);
  const [setting, setSetting] = useState(false);
  const { logins } = words.value;
  useLayoutEffect(() => row.current!.querySelector<HTMLElement>(".shut")!.focus(), []);
  const last = isLast(user, all);
  return (
    <li ref={row} class="opened" data-user={user.name}>
      <div>
        <div class="n">
          <button
            class="shut"
            dir="auto"
            aria-expanded="true"
            aria-label={logins.change(user.name)}
            onClick={close}
          >
            {user.name}
          </button>
        </div>
        <Talks {...user} choose={last ? null : (to) => void change(user, to)} />
        {last && <p class="faint">{logins.isLast}</p>}
        {setting ? (
          <NewPassword user={user} close={() => setSetting(false)} />
        ) : (
          <div class="acts">
            <button class="word" onClick={() => setSetting(true)}>
              {logins.newPassword}
            </button>
            {!last && (
              <button class="word bad" onClick={() => void remove(user)}>
                {logins.remove}
              </button>
            )}
            <span class="faint">{logins.devices(user.devices)}</span>
          </div>
        )}
      </div>
      {last ? (
        <Slots patterns={user.cameras} />
      ) : (
        <Switches
          name={user.name}
          patterns={user.cameras}
          choose={(to) => void change(user, { cameras: to })}
        />
      )}
    </li>
  );
}

export interface Chosen {
  role?: Role;
  cameras?: string[] | null;
  hours?: Hours | null;
}

interface TalksProps {
  role: Role;
  cameras: string[] | null;
  hours: Hours | null;
  /** Null for the one who has to run the house. */
  choose: ((to: Chosen) => void) | null;
}

/** The sentence: a viewer of four cameras, 16:00 to 20:00. */
export function Talks({ role, cameras: patterns, hours, choose }: TalksProps) {
  const { logins } = words.value;
  const roles = ROLES.map((value) => ({
    value,
    name: logins.roles[value],
    more: logins.rolesDo[value],
  }));
  const text = logins.is[role];
  const is = logins.roles[role];
  const says = text.startsWith("{role}") ? sentence(is) : is;
  const seen = camerasText(patterns);
  if (!choose) {
    return <p class="talks">{filled(text, { role: says, cameras: seen, when: logins.always })}</p>;
  }
  return (
    <p class="talks">
      {filled(text, {
        role: (
          <Phrase
            label={logins.role}
            says={says}
            options={roles}
            chosen={role}
            choose={(value) => choose({ role: ROLES.find((role) => role === value) ?? role })}
          />
        ),
        cameras: (
          <Phrase
            label={logins.seen}
            says={seen}
            options={ofCameras(patterns)}
            chosen={patterns === null ? "" : patterns.join(" ")}
            choose={(value) => choose({ cameras: value === "" ? null : value.split(" ") })}
          />
        ),
        when: <When hours={hours} choose={(to) => choose({ hours: to })} />,
      })}
    </p>
  );
}

/** Every camera, all of a machine, or what was chosen one by one. */
function ofCameras(patterns: string[] | null): { value: string; name: string }[] {
  const { logins } = words.value;
  const nodes = new Map<string, string>();
  for (const { camera, kind, node_title } of cameras.value ?? []) {
    const node = camera.split("/")[0]!;
    if (kind !== "browser") nodes.set(node, node_title ?? node);
  }
  const options = [{ value: "", name: logins.everyCamera }];
  if (nodes.size > 1) {
    for (const [node, name] of nodes)
      options.push({ value: `${node}/*`, name: logins.allOf(name) });
  }
  const now = patterns?.join(" ") ?? "";
  if (!options.some(({ value }) => value === now)) {
    options.push({ value: now, name: camerasText(patterns) });
  }
  return options;
}

/** Each hour of the day. */
const TIMES = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, "0")}:00`);

function When({ hours, choose }: { hours: Hours | null; choose: (to: Hours | null) => void }) {
  const { logins } = words.value;
  const times = (chosen: string, not: string) =>
    [...new Set([...TIMES, chosen])]
      .filter((value) => value !== "" && value !== not)
      .sort()
      .map((value) => ({ value, name: clockText(value, words.value) }));
  const from = (
    <Phrase
      label={logins.from}
      says={hours ? clockText(hours.from, words.value) : logins.always}
      options={[{ value: "", name: logins.always }, ...times(hours?.from ?? "", hours?.to ?? "")]}
      chosen={hours?.from ?? ""}
      choose={(value) => choose(value === "" ? null : { from: value, to: hours?.to ?? end(value) })}
    />
  );
  if (!hours) return from;
  const until = (
    <Phrase
      label={logins.until}
      says={clockText(hours.to, words.value)}
      options={times(hours.to, hours.from)}
      chosen={hours.to}
      choose={(to) => choose({ ...hours, to })}
    />
  );
  return <>{filled(logins.between, { from, until })}</>;
}

/** Four hours later. */
function end(from: string): string {
  return TIMES[(Number(from.slice(0, 2)) + 4) % TIMES.length]!;
}

function NewPassword({ user, close }: { user: User; close: () => void }) {
  const { logins, naming } = words.value;
  return (
    <SecretForm
      class="secret"
      of={user.name}
      send={({ password }) => {
        close();
        void change(user, { password });
      }}
    >
      <Field
        label={logins.passwordOf(user.name)}
        name="password"
        autocomplete="new-password"
        secret
        focused
      />
      <Acts does={naming.keep} close={close} />
    </SecretForm>
  );
}
