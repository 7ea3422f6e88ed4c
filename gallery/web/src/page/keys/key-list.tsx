// The list of keys, and the switch for single letters.

import { useLayoutEffect, useRef } from "preact/hooks";
import { letters, listed, switchLetters } from "./keys";
import { words } from "../../words/language";
import { Round } from "../round-button";

export function KeyList() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current!.showModal(), []);
  const { keys, close } = words.value;
  return (
    <dialog
      ref={dialog}
      class="keylist"
      aria-labelledby="keylist"
      onClose={() => (listed.value = false)}
      onClick={(event) => event.target === event.currentTarget && event.currentTarget.close()}
    >
      <div class="inside">
        <header>
          <h2 id="keylist">{keys.title}</h2>
          <Round label={close} icon="close" press={() => dialog.current!.close()} />
        </header>
        <dl>
          {keys.rows.map(([names, what]) => (
            <div key={what}>
              <dt>
                {names.map((name) => (
                  <kbd key={name}>{name}</kbd>
                ))}
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <button class="field" role="switch" aria-checked={letters.value} onClick={switchLetters}>
          <i class="switch" />
          {keys.letters}
        </button>
      </div>
    </dialog>
  );
}
