// Forgetting a camera that will not come back, or its node: offered after a day away, below its
// large picture, and done after a question.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { forgetCamera, forgetNode, Refusal, sources } from "../../net/api";
import { cameras, link } from "../../net/gallery";
import type { Camera } from "../../net/messages";
import { answerKeys, leave } from "../../page/keys/keys";
import { complain, show } from "../../page/notices/toast";
import { words } from "../../words/language";
import { lostWith } from "./gone";

/** The question, at the foot. */
export function AskForget({ camera, close }: { camera: Camera; close: () => void }) {
  const keep = useRef<HTMLButtonElement>(null);
  const [photos, setPhotos] = useState(0);
  const [busy, setBusy] = useState(false);
  const lost = lostWith(camera, cameras.value ?? []);
  useLayoutEffect(() => keep.current!.focus(), []);
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        if (key !== "Escape") return false;
        close();
        return true;
      }),
    [],
  );
  const which = lost.cameras.join();
  useEffect(() => {
    let here = true;
    // Without an answer nothing is said of photos.
    const count = async (): Promise<void> => {
      const counted = (await sources()).cameras.filter((each) =>
        which.split(",").includes(each.camera),
      );
      if (here) setPhotos(counted.reduce((sum, each) => sum + each.count, 0));
    };
    count().catch(() => {});
    return () => void (here = false);
  }, [which]);

  const { forget, figures, noAnswer } = words.value;
  const act = async (): Promise<void> => {
    if (busy || !link.peek().open) return;
    setBusy(true);
    try {
      if (lost.node === null) await forgetCamera(camera.camera);
      else await forgetNode(lost.node);
      leave();
      show({ text: forget.done(lost.name) });
    } catch (error) {
      const message = error instanceof Refusal ? error.message : "";
      complain(forget.not(lost.name), message || noAnswer);
      close();
    }
  };
  const ask =
    lost.node === null ? forget.ask(lost.name) : forget.askNode(lost.node, lost.cameras.length);
  const stay = photos > 0 ? forget.photosStay(photos, photos.toLocaleString(figures)) : "";
  return (
    <div
      class="floor forget"
      role="alertdialog"
      aria-labelledby="forget"
      aria-describedby="forget-help"
    >
      <div>
        <b id="forget">{ask}</b>
        <p id="forget-help">{[stay, forget.comesBack].filter(Boolean).join(" ")}</p>
      </div>
      <button class="word bad" aria-disabled={busy || !link.value.open} onClick={() => void act()}>
        {forget.offer}
      </button>
      <button ref={keep} class="pill" onClick={close}>
        {forget.keep}
      </button>
    </div>
  );
}
