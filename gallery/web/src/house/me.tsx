// Who one is, what one may do, and where one is logged in.

import { useEffect, useState } from "preact/hooks";
import { Denied, limits } from "../door/denied";
import { goOut } from "../door/entrance";
import { Field } from "../door/field";
import { Acts, SecretForm, type Given } from "../door/secret-form";
import { Refusal } from "../net/api";
import { ahead, cameras } from "../net/gallery";
import { endDevice, endOtherDevices, listDevices, setPassword, type Device } from "../net/logins";
import { caller, type Me, type Role } from "../net/me";
import { Phrase } from "../page/choices";
import { complain, show } from "../page/notices/toast";
import { tick } from "../page/tick";
import { ageText, sinceText } from "../words/age";
import { filled } from "../words/filled";
import { choose, words } from "../words/language";
import { languages, sentence } from "../words/words";

export function You() {
  const me = caller.value;
  if (!me || me.name === null || me.role === null || me.role === "visitor") return <Denied />;
  return <Known me={me} name={me.name} role={me.role} />;
}

function Known({ me, name, role }: { me: Me; name: string; role: Role }) {
  const [setting, setSetting] = useState(false);
  const { mine, you, code, itself, language } = words.value;
  const names = (cameras.value ?? []).map(({ name }) => name);
  return (
    <section class="house" aria-label={you}>
      <div class="ask">
        <h1 class="sentence">
          {filled(mine.are[role], {
            name: <b dir="auto">{name}</b>,
            language: (
              <Phrase
                label={language}
                says={itself}
                options={Object.values(languages).map((other) => ({
                  value: other.code,
                  name: other.itself,
                }))}
                chosen={code}
                choose={choose}
              />
            ),
          })}
        </h1>
        <div class="do">
          <button class="word" aria-expanded={setting} onClick={() => setSetting(!setting)}>
            {mine.newPassword}
          </button>
          <button class="pill dim" onClick={() => void done(goOut(), mine.notLoggedOut)}>
            {mine.logOutHere}
          </button>
        </div>
      </div>
      {setting && <NewPassword name={name} close={() => setSetting(false)} />}
      {(me.cameras ?? me.hours) && <p class="standing">{limits(me, names, words.value)}</p>}
      <Devices />
    </section>
  );
}

/** Whether it was done; says what was not. */
async function done(act: Promise<void>, not: string): Promise<boolean> {
  try {
    await act;
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    complain(not, error.message || words.peek().noAnswer);
    return false;
  }
}

function Devices() {
  const [devices, setDevices] = useState<readonly Device[] | null>(null);
  const ask = async (): Promise<void> => {
    // The list stays as it was while the gallery is away.
    const all = await listDevices().catch(() => null);
    if (all)
      setDevices(all.sort((a, b) => Number(b.current) - Number(a.current) || b.seen - a.seen));
  };
  useEffect(() => void ask(), []);
  const { mine } = words.value;
  if (!devices) return null;
  const end = async (act: Promise<void>, text: string): Promise<void> => {
    if (await done(act, mine.notLoggedOut)) show({ text });
    await ask();
  };
  return (
    <div class="yours">
      <h2 class="over">{mine.devices}</h2>
      <ul class="rows close devices" role="list">
        {devices.map((device) => (
          <li key={device.id}>
            <div class="n">
              {device.name || device.address}
              <small>{factsOf(device)}</small>
            </div>
            {device.current ? (
              <span class="state soft">
                <i class="lamp" />
                {mine.now}
              </span>
            ) : (
              <button
                class="word"
                aria-label={mine.logOutOf(device.name || device.address)}
                onClick={() => void end(endDevice(device.id), mine.loggedOut(device.name))}
              >
                {mine.logOut}
              </button>
            )}
          </li>
        ))}
      </ul>
      {devices.some(({ current }) => !current) && (
        <button
          class="pill dim"
          onClick={() => void end(endOtherDevices(), mine.loggedOutElsewhere)}
        >
          {mine.logOutElsewhere}
        </button>
      )}
    </div>
  );
}

/** From where, since when, and when it was used last. */
function factsOf({ address, since, seen, current }: Device): string {
  const now = tick.value;
  const told = [sinceText(since + ahead, now, words.value)];
  if (!current) told.push(ageText(seen + ahead, now, words.value));
  return [address, sentence(told.join(", "))].filter(Boolean).join(". ") + ".";
}

function NewPassword({ name, close }: { name: string; close: () => void }) {
  const [fault, setFault] = useState<{ old?: string; new?: string }>({});
  const { mine, door, setup, naming, noAnswer } = words.value;
  const submit = async ({ old, password }: Given): Promise<void> => {
    try {
      await setPassword(old, password);
      close();
      show({ text: mine.passwordIsNew });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message, seconds } = error;
      if (code === "login-slow") setFault({ old: door.enterAfter(seconds) });
      else if (code === "login-wrong") setFault({ old: mine.wrongOld });
      else setFault({ new: message || noAnswer });
    }
  };
  const input = (): void => setFault({});
  return (
    <SecretForm
      class="secret raised"
      label={mine.newPassword}
      of={name}
      send={submit}
      close={close}
    >
      <Field
        label={mine.oldPassword}
        name="old"
        autocomplete="current-password"
        secret
        focused
        fault={fault.old ?? null}
        input={input}
      />
      <Field
        label={setup.password}
        name="password"
        autocomplete="new-password"
        secret
        fault={fault.new ?? null}
        input={input}
      />
      <p class="faint">{mine.passwordHelp}</p>
      <Acts does={naming.keep} close={close} />
    </SecretForm>
  );
}
