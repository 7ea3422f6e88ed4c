// The first login of all: who sets a name and a password here runs the house.

import { useState } from "preact/hooks";
import { Refusal } from "../net/api";
import { cameras } from "../net/gallery";
import { caller, may } from "../net/me";
import { setupToken, toLogin } from "../page/route";
import { words } from "../words/language";
import { Tile } from "../wall/tile/tile";
import { runHouse } from "./entrance";
import { Field } from "./field";
import { SecretForm, type Given } from "./secret-form";

const FPS = 15;

/** How many cameras hang beside the form. */
const HUNG = 2;

export function SetUp() {
  const hung = (may("look") ? (cameras.value ?? []) : []).slice(0, HUNG);
  return (
    <section class={hung.length > 0 ? "split" : undefined} aria-label={words.value.setup.title}>
      <div class="door">
        <Words />
      </div>
      {hung.length > 0 && (
        <div class="hang">
          {hung.map((camera) => (
            <Tile key={camera.camera} camera={camera} fps={FPS} />
          ))}
        </div>
      )}
    </section>
  );
}

function Words() {
  const [used, setUsed] = useState(false);
  const { setup, door } = words.value;
  const me = caller.value;
  if (used || me?.users) {
    return (
      <>
        <h1>{setup.used}</h1>
        <p>{setup.usedHelp}</p>
        <div class="acts">
          <button class="pill" onClick={toLogin}>
            {door.logIn}
          </button>
        </div>
      </>
    );
  }
  const byAddress = setupToken !== null;
  return (
    <>
      <h1>{setup.title}</h1>
      {byAddress || me?.setup ? (
        <>
          <p>{byAddress ? setup.byAddress : setup.byMachine}</p>
          <Form used={() => setUsed(true)} />
        </>
      ) : (
        <p>
          {setup.elsewhere[0]}
          <code>vitrina user setup</code>
          {setup.elsewhere[1]}
        </p>
      )}
    </>
  );
}

type Fault = { name: string | null; password: string | null };

const NONE: Fault = { name: null, password: null };

function Form({ used }: { used: () => void }) {
  const [fault, setFault] = useState(NONE);
  const { setup, door, noAnswer } = words.value;
  const run = async ({ username, password }: Given): Promise<void> => {
    try {
      await runHouse(username.trim(), password);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message } = error;
      if (code === "setup-used") used();
      else if (code === "setup-wrong") setFault({ ...NONE, password: setup.wrong });
      else if (code === "user-name") setFault({ ...NONE, name: message });
      else setFault({ ...NONE, password: message || noAnswer });
    }
  };
  const input = (): void => setFault(NONE);
  return (
    <SecretForm send={run}>
      <Field
        label={door.name}
        name="username"
        autocomplete="username"
        focused
        fault={fault.name}
        input={input}
      />
      <Field
        label={setup.password}
        name="password"
        autocomplete="new-password"
        secret
        fault={fault.password}
        input={input}
      />
      <div class="acts">
        <button class="pill">{setup.run}</button>
      </div>
    </SecretForm>
  );
}
