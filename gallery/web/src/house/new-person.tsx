// A person who gets a login: a name, a password, and the sentence that says what they may.

import { useState } from "preact/hooks";
import { Field } from "../door/field";
import { Acts, SecretForm, type Given } from "../door/secret-form";
import type { Hours, Role } from "../net/me";
import { words } from "../words/language";
import { Talks } from "./person";
import { Switches } from "./slots";
import { add } from "./users";

interface Draft {
  role: Role;
  cameras: string[] | null;
  hours: Hours | null;
}

/** Who comes new may look, and nothing else, until somebody says more. */
const NEW: Draft = { role: "viewer", cameras: null, hours: null };

export function NewPerson({ close }: { close: () => void }) {
  const [draft, setDraft] = useState(NEW);
  const [fault, setFault] = useState<{ name?: string; password?: string }>({});
  const { logins, door, setup, noAnswer } = words.value;
  const submit = async ({ username, password }: Given): Promise<void> => {
    const { role, cameras, hours } = draft;
    const limits = { ...(cameras && { cameras }), ...(hours && { hours }) };
    const refused = await add({ name: username.trim(), password, role, ...limits });
    if (!refused) return close();
    const why = refused.message || noAnswer;
    const ofName = refused.code === "user-name" || refused.code === "user-known";
    setFault(ofName ? { name: why } : { password: why });
  };
  const input = (): void => setFault({});
  return (
    <li class="opened">
      <SecretForm class="secret" label={logins.add} send={submit}>
        <Field
          label={door.name}
          name="username"
          autocomplete="off"
          focused
          fault={fault.name ?? null}
          input={input}
        />
        <Field
          label={setup.password}
          name="password"
          autocomplete="new-password"
          secret
          fault={fault.password ?? null}
          input={input}
        />
        <Talks {...draft} choose={(to) => setDraft({ ...draft, ...to })} />
        <Acts does={logins.addThis} close={close} />
      </SecretForm>
      <Switches
        name={logins.somebody}
        patterns={draft.cameras}
        choose={(cameras) => setDraft({ ...draft, cameras })}
      />
    </li>
  );
}
