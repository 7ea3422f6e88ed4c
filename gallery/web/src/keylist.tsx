// The list of keys, and the switch for single letters.

import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";
import { letters, listed, switchLetters } from "./keys";
import { words } from "./language";

export function KeyList() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
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
          <button class="round" aria-label={close} onClick={() => dialog.current!.close()}>
            <Icon name="close" />
          </button>
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
