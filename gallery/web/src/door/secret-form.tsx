// A form with a name or a password in it: what was given is sent as a whole, once at a time.

import { useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { words } from "../words/language";
import type { FieldName } from "./field";

export type Given = Record<FieldName, string>;

interface Props {
  class?: string;
  /** What it is for, where no heading says so. */
  label?: string;
  /** Whose password it is, where no field says so: keepers of passwords want to know. */
  of?: string;
  /** Not called while it is at work, nor while something is not given. */
  send: (given: Given) => void | Promise<void>;
  /** Escape. */
  close?: () => void;
  children: ComponentChildren;
}

export function SecretForm({ class: kind, label, of, send, close, children }: Props) {
  const busy = useRef(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const given = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    if (busy.current || given.some(([, value]) => value === "")) return;
    busy.current = true;
    try {
      await send(Object.fromEntries(given) as Given);
    } finally {
      busy.current = false;
    }
  };
  return (
    <form
      class={kind}
      method="post"
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") close?.();
      }}
    >
      {of !== undefined && (
        <input
          class="sr"
          name="username"
          autocomplete="username"
          value={of}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
      )}
      {children}
    </form>
  );
}

/** The buttons of a form that can be closed without sending it. */
export function Acts({ does, close }: { does: string; close: () => void }) {
  return (
    <div class="acts">
      <button class="pill">{does}</button>
      <button type="button" class="word" onClick={close}>
        {words.value.naming.cancel}
      </button>
    </div>
  );
}
