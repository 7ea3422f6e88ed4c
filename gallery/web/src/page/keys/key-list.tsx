// The list of keys, and the switch for single letters.

import { useLayoutEffect, useRef } from "preact/hooks";
import { letters, listed, switchLetters } from "./keys";
import { hasHouse } from "../../house/has-house";
import { caller } from "../../net/me";
import type { Words } from "../../words/words";
import { words } from "../../words/language";
import { Round } from "../round-button";

/** Without the house's keys where there is no house. */
function rowsHere({ rows, houseRows }: Words["keys"]): [string[], string][] {
  if (!hasHouse.value) return rows;
  const [house, add] = houseRows;
  const isRun = caller.value?.users;
  return rows.flatMap((row) => {
    if (row[0][0] === "3") return [row, house!];
    return row[0][0] === "N" && isRun ? [row, add!] : [row];
  });
}

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
          {rowsHere(keys).map(([names, what]) => (
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
