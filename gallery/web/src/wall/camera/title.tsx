// The name of a camera. It is changed where it stands, on the wall or large, for everybody.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Refusal, setNodeTitle, setTitle } from "../../net/api";
import { permit } from "../../door/permit";
import { cameras } from "../../net/gallery";
import { may } from "../../net/me";
import type { Camera } from "../../net/messages";
import { Name } from "../../page/name";
import { complain } from "../../page/notices/toast";
import { characters } from "../../words/cut";
import { words } from "../../words/language";
import { tileHere } from "../snap/snap";

/** A node takes no longer title, in characters. */
const LONGEST = 64;

/** The camera of the wall whose name is being changed. */
export const renamed = signal<string | null>(null);

/** Changes the name of the camera under the pointer or focus. */
export function nameHere(): boolean {
  const name = tileHere()?.dataset.camera;
  const camera = cameras.value?.find(({ camera }) => camera === name);
  if (!camera || !canBeNamed(camera)) return false;
  if (!permit("control")) return true;
  renamed.value = camera.camera;
  return true;
}

/** A page's camera is called after the person who shows it. */
export function canBeNamed(camera: Camera): boolean {
  return camera.kind !== "browser";
}

export function Title({ camera, edit }: { camera: Camera; edit: () => void }) {
  if (!canBeNamed(camera) || !may("control")) return <Name name={camera.name} />;
  const { change } = words.value.title;
  return (
    <button class="named" aria-label={camera.name} onClick={edit}>
      <Name name={camera.name} title={`${camera.name}\n${change}`} />
    </button>
  );
}

interface Props {
  camera: Camera;
  /** Stands before the name of a large camera, which has room for that of its node and for help. */
  lamp?: ComponentChildren;
  close: () => void;
}

/** The fields for the names of a camera and its node. Enter keeps what was changed. */
export function TitleForm({ camera, lamp, close }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const state = useRef<"open" | "keeping" | "refused" | "closed">("open");
  const [isLong, setLong] = useState(false);
  useLayoutEffect(() => {
    field.current!.focus({ preventScroll: true });
    field.current!.select();
  }, []);

  const [node = ""] = camera.camera.split("/");
  // As it was when the field opened: another's change meanwhile is none of this person's.
  const [before] = useState({
    camera: camera.called ?? camera.name,
    node: camera.node_title ?? node,
  });
  const { title, noAnswer } = words.value;

  const end = (): void => {
    state.current = "closed";
    close();
  };
  const keep = async (): Promise<void> => {
    if (state.current === "keeping" || state.current === "closed") return;
    const given = new FormData(form.current!);
    const [mine, nodes] = ["camera", "node"].map((name) => oneLine(given.get(name)));
    if ([mine, nodes].some((name) => name && characters(name).length > LONGEST)) {
      if (!lamp) complain(title.notKept, title.rule(LONGEST));
      return setLong(true);
    }
    state.current = "keeping";
    try {
      if (mine !== before.camera) await setTitle(camera.camera, mine ?? "");
      if (nodes !== undefined && nodes !== before.node) await setNodeTitle(node, nodes);
      end();
    } catch (error) {
      state.current = "refused";
      const said = error instanceof Refusal ? error.message : "";
      complain(title.notKept, said || noAnswer);
    }
  };
  const input = (name: "camera" | "node", label: string) => (
    <input
      ref={name === "camera" ? field : null}
      class="ed"
      dir="auto"
      name={name}
      aria-label={label}
      aria-describedby={lamp ? "titlehelp" : undefined}
      aria-invalid={isLong}
      defaultValue={before[name]}
      maxLength={8 * LONGEST}
      autocomplete="off"
      spellcheck={false}
      enterKeyHint="done"
      size={Math.max(12, characters(before[name]).length + 2)}
    />
  );
  return (
    <form
      ref={form}
      class="titling"
      onSubmit={(event) => {
        event.preventDefault();
        void keep();
      }}
      onInput={() => {
        setLong(false);
        if (state.current === "refused") state.current = "open";
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        end();
      }}
      onFocusOut={(event) => {
        const to = event.relatedTarget;
        if (to instanceof Node && form.current!.contains(to)) return;
        // Whoever taps elsewhere has finished; what was refused waits for another try.
        if (state.current === "open" && document.hasFocus()) void keep();
      }}
    >
      {lamp ? (
        <>
          <h1>
            {lamp}
            {input("camera", title.camera)}
          </h1>
          <span class="facts">
            <label>
              {title.on} {input("node", title.node)}
            </label>
            <span id="titlehelp" role={isLong ? "alert" : undefined}>
              {isLong ? title.rule(LONGEST) : title.help(camera.camera)}
            </span>
          </span>
        </>
      ) : (
        input("camera", title.camera)
      )}
      {/* Enter submits a form of several fields only if it has a button. */}
      <button class="sr" tabIndex={-1} aria-hidden="true" />
    </form>
  );
}

/** None of a field that is not there. */
function oneLine(text: FormDataEntryValue | null): string | undefined {
  return typeof text === "string" ? text.trim().replace(/\s+/g, " ") : undefined;
}
