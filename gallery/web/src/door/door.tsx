// The door: words on black, and one form. Before somebody is known there is no picture, name or
// count, and the same words are said whether the name or the password is wrong.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Refusal } from "../net/api";
import { caller, may } from "../net/me";
import { fromLogin } from "../page/route";
import { tick } from "../page/tick";
import { words } from "../words/language";
import { comeIn, ended } from "./entrance";
import { Field } from "./field";
import { left, waitFrom, type Wait } from "./waiting";

interface Refused {
  /** What the gallery says is wrong; null once something was typed. */
  fault: string | null;
  wait: Wait | null;
}

const NONE: Refused = { fault: null, wait: null };

export function Door() {
  const form = useRef<HTMLFormElement>(null);
  const [refused, setRefused] = useState(NONE);
  const busy = useRef(false);
  const { door, naming } = words.value;
  const { wait, fault } = refused;
  const seconds = wait ? left(wait, tick.value) : 0;

  const enter = async (): Promise<void> => {
    const given = new FormData(form.current!);
    const [name, secret] = ["username", "password"].map((key) => String(given.get(key) ?? ""));
    if (busy.current || seconds > 0 || !name || !secret) return;
    busy.current = true;
    try {
      await comeIn(name.trim(), secret);
    } catch (error) {
      setRefused(refusedBy(error));
    } finally {
      busy.current = false;
    }
  };
  return (
    <section
      class="door"
      aria-label={door.logIn}
      onKeyDown={(event) => {
        if (event.key === "Escape" && may("look")) goBack();
      }}
    >
      <h1>{door.title}</h1>
      {ended.value && <p>{door.ended}</p>}
      <form
        ref={form}
        method="post"
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <Field label={door.name} name="username" autocomplete="username" focused />
        <Field
          label={door.password}
          name="password"
          autocomplete="current-password"
          secret
          fault={fault}
          input={() => setRefused({ ...refused, fault: null })}
        />
        <div class="acts">
          <button class="pill num" aria-disabled={seconds > 0}>
            {seconds > 0 ? door.enterAfter(seconds) : door.enter}
          </button>
          {may("look") && (
            <button type="button" class="word" onClick={goBack}>
              {caller.value?.name ? naming.cancel : door.without}
            </button>
          )}
        </div>
        {wait && seconds > 0 && <Waiting key={wait.from} wait={wait} />}
      </form>
      {seconds > 0 ? <p>{door.slow}</p> : <p class="faint">{door.stays}</p>}
    </section>
  );
}

/** Leaves the door without a login, or with that of before. What a page knows of somebody who is
 * logged out is not for the next one. */
function goBack(): void {
  fromLogin();
  if (ended.peek()) location.reload();
}

/** A line that runs out. What is left is told once, not every second. */
function Waiting({ wait }: { wait: Wait }) {
  const line = useRef<HTMLElement>(null);
  const { door, seconds } = words.value;
  const [whole] = useState(() => left(wait, Date.now()));
  useLayoutEffect(() => {
    const passed = Date.now() - wait.from;
    const length = Math.max(0, wait.until - Date.now());
    const from = `${(100 * length) / (length + passed)}%`;
    line.current!.animate([{ width: from }, { width: "0%" }], { duration: length, fill: "both" });
  }, []);
  return (
    <div class="wait" role="timer" aria-label={seconds(whole)}>
      <i ref={line} />
      <span class="sr" role="status">
        {door.enterAfter(whole)}
      </span>
    </div>
  );
}

function refusedBy(error: unknown): Refused {
  const { door, noAnswer } = words.peek();
  if (!(error instanceof Refusal)) throw error;
  const wait = waitFrom(Date.now(), error.seconds);
  if (error.code === "login-wrong") return { fault: door.wrong, wait };
  if (error.code === "login-slow" && wait) return { fault: null, wait };
  return { fault: error.message || noAnswer, wait };
}
