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
import { SecretForm, type Given } from "./secret-form";
import { left, waitFrom, type Wait } from "./waiting";

interface Refused {
  /** What the gallery says is wrong; null once something was typed. */
  fault: string | null;
  wait: Wait | null;
}

const NONE: Refused = { fault: null, wait: null };

export function Door() {
  const [refused, setRefused] = useState(NONE);
  const { door, naming } = words.value;
  const { wait, fault } = refused;
  const seconds = wait ? left(wait, tick.value) : 0;

  const enter = async ({ username, password }: Given): Promise<void> => {
    if (seconds > 0) return;
    try {
      await comeIn(username.trim(), password);
    } catch (error) {
      setRefused(refusedBy(error));
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
      <SecretForm send={enter}>
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
      </SecretForm>
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
