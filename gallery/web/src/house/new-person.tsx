// A person who gets a login: a name, a password, and the sentence that says what they may.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Field } from "../door/field";
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
  const form = useRef<HTMLFormElement>(null);
  const busy = useRef(false);
  const [draft, setDraft] = useState(NEW);
  const [fault, setFault] = useState<{ name?: string; password?: string }>({});
  const { logins, door, setup, naming, noAnswer } = words.value;
  useLayoutEffect(() => form.current!.querySelector("input")!.focus(), []);
  const submit = async (): Promise<void> => {
    const given = new FormData(form.current!);
    const [name, password] = ["username", "password"].map((key) => String(given.get(key) ?? ""));
    if (busy.current || !name || !password) return;
    busy.current = true;
    const { role, cameras, hours } = draft;
    const limits = { ...(cameras && { cameras }), ...(hours && { hours }) };
    const refused = await add({ name: name.trim(), password, role, ...limits });
    busy.current = false;
    if (!refused) return close();
    const why = refused.message || noAnswer;
    const ofName = refused.code === "user-name" || refused.code === "user-known";
    setFault(ofName ? { name: why } : { password: why });
  };
  const input = (): void => setFault({});
  return (
    <li class="opened">
      <form
        ref={form}
        class="secret"
        method="post"
        aria-label={logins.add}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label={door.name}
          name="username"
          autocomplete="off"
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
        <div class="acts">
          <button class="pill">{logins.addThis}</button>
          <button type="button" class="word" onClick={close}>
            {naming.cancel}
          </button>
        </div>
      </form>
      <Switches
        name={logins.somebody}
        patterns={draft.cameras}
        choose={(cameras) => setDraft({ ...draft, cameras })}
      />
    </li>
  );
}
