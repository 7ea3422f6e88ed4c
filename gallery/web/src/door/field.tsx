// A field is a line, and its name stands above it.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../page/icon";
import { words } from "../words/language";

export type FieldName = "username" | "password" | "old";

interface Props {
  label: string;
  name: FieldName;
  /** What a keeper of passwords puts in (HTML, autofill). */
  autocomplete: string;
  /** A password, which can be shown. */
  secret?: boolean;
  focused?: boolean;
  /** Why it was refused. */
  fault?: string | null;
  input?: () => void;
}

export function Field(props: Props) {
  const { label, name, autocomplete, secret = false, focused = false, fault, input } = props;
  const field = useRef<HTMLInputElement>(null);
  const [shown, setShown] = useState(false);
  const { door } = words.value;
  useLayoutEffect(() => {
    if (focused) field.current!.focus();
  }, []);
  useLayoutEffect(() => {
    if (!fault) return;
    field.current!.focus();
    field.current!.select();
  }, [fault]);
  const id = `fault-${name}`;
  return (
    <div class={fault ? "lined failed" : "lined"}>
      <label>
        <span>{label}</span>
        <input
          ref={field}
          name={name}
          type={secret && !shown ? "password" : "text"}
          autocomplete={autocomplete}
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          dir="auto"
          required
          aria-invalid={fault ? "true" : undefined}
          aria-describedby={fault ? id : undefined}
          onInput={input}
        />
      </label>
      {secret && (
        <button
          type="button"
          class="word"
          aria-pressed={shown}
          aria-label={door.showPassword}
          onClick={() => setShown(!shown)}
        >
          {door.show}
        </button>
      )}
      {fault && (
        <span class="e" id={id} role="alert">
          <Icon name="warn" />
          {fault}
        </span>
      )}
    </div>
  );
}
