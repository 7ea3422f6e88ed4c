// One camera large, the others in a film strip below it.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { face } from "../tile/tile-state";
import { uncropped } from "../layout/box";
import { land } from "./flight";
import { aspectOf, type Screen, zoomScreen } from "../../net/gallery";
import { followGestures } from "./gesture";
import { answerKeys, leave, step, toggleFullScreen } from "../../page/keys/keys";
import { words } from "../../words/language";
import type { Camera } from "../../net/messages";
import { Round } from "../../page/round-button";
import { AskForget } from "./forget";
import { daysGone } from "./gone";
import { sinceText } from "../../words/age";
import { may } from "../../net/me";
import { permit } from "../../door/permit";
import { enlarge, viewed } from "../../page/route";
import { Shutter } from "../snap/shutter";
import { tick } from "../../page/tick";
import { Tile } from "../tile/tile";
import { canBeNamed, Title, TitleForm } from "./title";

const FPS = 30;
const FILM_FPS = 5;

/** `list` are the cameras of the wall; this one may be hidden there. */
export function Enlarged({ camera, list }: { camera: Camera; list: readonly Camera[] }) {
  const [screen, setScreen] = useState<Screen | null>(null);
  const several = list.some((other) => other.camera !== camera.camera);
  const { previous, next, fullScreen, forget } = words.value;
  const gone = daysGone(camera, tick.value) > 0;
  const [asks, setAsks] = useState<string | null>(null);
  const asking = gone && asks === camera.camera;
  return (
    <section class={asking ? "one asking" : "one"} aria-label={camera.name}>
      <Stage camera={camera} ready={setScreen} />
      <div>
        <div class="head">
          <Facts camera={camera} screen={screen?.camera === camera.camera ? screen : null} />
          <div class="keys">
            {several && <Round label={previous} icon="back" press={() => step(-1)} />}
            {gone && may("forget") ? (
              <button class="word" onClick={() => setAsks(camera.camera)}>
                {forget.offer}
              </button>
            ) : (
              !gone && may("snap") && <Shutter camera={camera} big />
            )}
            {document.fullscreenEnabled && (
              <Round label={fullScreen} icon="full" press={toggleFullScreen} />
            )}
            {several && <Round label={next} icon="next" press={() => step(1)} />}
          </div>
        </div>
        {several && <Film camera={camera} list={list} />}
        {asking && <AskForget key={camera.camera} camera={camera} close={() => setAsks(null)} />}
      </div>
    </section>
  );
}

function Stage({ camera, ready }: { camera: Camera; ready: (screen: Screen) => void }) {
  const stage = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = stage.current!;
    const measure = (): void =>
      setRoom({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const shown = room.width > 0 && room.height > 0;
  useLayoutEffect(() => {
    const tile = stage.current!.querySelector<HTMLElement>(".tile");
    if (tile) land(camera.camera, tile);
  }, [shown]);

  useLayoutEffect(() => {
    const following = followGestures(stage.current!, () => stage.current!.querySelector("canvas"), {
      sideways: step,
      down: leave,
      zoomed: (zoom) => screen.current && zoomScreen(screen.current, zoom),
    });
    const end = answerKeys((key) => viewed.value === null && following.press(key));
    return () => {
      end();
      following.stop();
    };
  }, [camera.camera]);

  const box = uncropped(aspectOf(camera), room);
  return (
    <div ref={stage} class="stage">
      {shown && (
        <Tile
          key={camera.camera}
          camera={camera}
          fps={FPS}
          box={box}
          ready={(mine) => {
            screen.current = mine;
            ready(mine);
          }}
        />
      )}
    </div>
  );
}

function Facts({ camera, screen }: { camera: Camera; screen: Screen | null }) {
  const heading = useRef<HTMLHeadingElement>(null);
  /** The camera whose name is being changed. */
  const [named, setNamed] = useState<string | null>(null);
  const isNamed = named === camera.camera;
  const isNew = useRef(true);
  // The tile, or the field, with the focus is gone.
  useLayoutEffect(() => {
    const isLost = isNew.current || document.activeElement === document.body;
    isNew.current = false;
    if (isLost) heading.current?.focus({ preventScroll: true });
  }, [isNamed]);
  const edit = (): void => setNamed(camera.camera);
  useLayoutEffect(
    () =>
      answerKeys((key) => {
        if (key !== "n" || viewed.value !== null || !canBeNamed(camera)) return false;
        if (permit("control")) edit();
        return true;
      }),
    [camera.camera, camera.kind],
  );
  const seen = screen ?? { opened: Date.now(), captured: null, rested: false };
  const { state, why, age } = face(camera, seen, tick.value, words.value);
  const rate = useRate(screen);
  const { facts, forget, days } = words.value;
  const gone = daysGone(camera, tick.value);
  const told: string[] = [];
  if (gone > 0)
    told.push(forget.gone(days(gone), sinceText(camera.since, tick.value, words.value)));
  else if (state === "live" && screen && screen.captured !== null) {
    const [width, height] = (camera.size ?? `${screen.width}x${screen.height}`).split("x");
    told.push(facts.size(width ?? "", height ?? ""));
    if (rate !== null) told.push(facts.rate(rate));
    const old = Math.max(0, Math.round(tick.value - screen.captured));
    told.push(screen.least ? facts.oldAtLeast(old) : facts.old(old));
  } else {
    // The picture shows the reason; this shows only the rest.
    told.push(age || (why ? "" : words.value.states[state]));
  }
  const lamp = <i class={`lamp ${state}`} />;
  if (isNamed) {
    return (
      <TitleForm key={camera.camera} camera={camera} lamp={lamp} close={() => setNamed(null)} />
    );
  }
  return (
    <>
      <h1 ref={heading} tabIndex={-1} aria-live="polite" aria-label={camera.name}>
        {lamp}
        <Title camera={camera} edit={edit} />
      </h1>
      <span class="facts">{told.join(", ")}</span>
    </>
  );
}

/** Pictures drawn a second over the last few seconds; null while unknown. */
function useRate(screen: Screen | null): number | null {
  const marks = useRef<{ screen: Screen | null; list: { at: number; count: number }[] }>();
  if (marks.current?.screen !== screen) marks.current = { screen, list: [] };
  const { list } = marks.current!;
  const now = tick.value;
  const count = screen?.count ?? 0;
  if (list.at(-1)?.at !== now) list.push({ at: now, count });
  while (list[0] && now - list[0].at > 3_000) list.shift();
  const first = list[0];
  if (!first || now - first.at < 1_000) return null;
  return Math.round(((count - first.count) * 1_000) / (now - first.at));
}

function Film({ camera, list }: { camera: Camera; list: readonly Camera[] }) {
  const film = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const current = film.current!.querySelector("[aria-current]");
    current?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [camera.camera]);
  return (
    <ul ref={film} class="film" role="list" aria-label={words.value.otherCameras}>
      {list.map((other) => (
        <Tile
          key={other.camera}
          camera={other}
          fps={FILM_FPS}
          current={other.camera === camera.camera}
          open={() => enlarge(other.camera)}
        />
      ))}
    </ul>
  );
}

export function Gone() {
  const { gone, goneHelp, toWall } = words.value;
  return (
    <section class="hollow">
      <h1>{gone}</h1>
      <p>{goneHelp}</p>
      <div>
        <button class="pill" onClick={leave}>
          {toWall}
        </button>
      </div>
    </section>
  );
}
