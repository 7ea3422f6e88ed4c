// Asks once what others should call this person: at the first message, photo or camera.

import { useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../words/language";
import { asking, join, lastName, nameHeld, needless } from "./identity";
import { tick } from "../page/tick";

export function Naming() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = dialog.current!;
    shown.showModal();
    // Only closing returns the focus to where it was.
    return () => shown.close();
  }, []);
  const { naming } = words.value;
  return (
    <dialog
      ref={dialog}
      class="naming"
      aria-labelledby="naming"
      onClose={() => (asking.value = null)}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      <div class="inside">
        <h2 id="naming">{naming.ask}</h2>
        <NameForm
          act={naming.join}
          done={join}
          cancel={() => dialog.current!.close()}
          cancels={needless.value ? naming.without : naming.cancel}
          name={lastName.value}
        />
      </div>
    </dialog>
  );
}

/** The gallery takes no longer name, in characters. */
const LONGEST = 40;

interface Props {
  name: string;
  act: string;
  done: (name: string) => void;
  cancel: () => void;
  cancels?: string;
}

export function NameForm({ name, act, done, cancel, cancels }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current!.select(), []);
  const { naming } = words.value;
  const held = nameHeld.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    const given = input.current!.value.trim();
    if (given !== "") done(given);
  };
  return (
    <form class="nameform" onSubmit={submit}>
      <input
        ref={input}
        aria-label={naming.name}
        aria-describedby={held ? "nameheld" : undefined}
        aria-invalid={held ? "true" : undefined}
        defaultValue={name}
        maxLength={LONGEST * 2}
        autocomplete="nickname"
        autofocus
        required
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          cancel();
        }}
      />
      <div class="do">
        <button class="pill">{act}</button>
        <button type="button" class="word" onClick={cancel}>
          {cancels ?? naming.cancel}
        </button>
      </div>
      {held && (
        <p id="nameheld" role="alert">
          {held.until === null
            ? naming.rule
            : naming.later(Math.max(1, Math.ceil((held.until - tick.value) / 1_000)))}
        </p>
      )}
    </form>
  );
}
