// One camera: its canvas, its plate, and the reason where there is no live picture.

import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { tell } from "../../page/notices/announce";
import { face, type Face } from "./tile-state";
import {
  addScreen,
  aspectOf,
  isVisible,
  link,
  measured,
  removeScreen,
  type Screen,
} from "../../net/gallery";
import { words } from "../../words/language";
import type { Box } from "../layout/box";
import type { Camera } from "../../net/messages";
import { Name } from "../../page/name";
import { renamed, TitleForm } from "../camera/title";
import { Parts } from "./latency";
import { Shutter } from "../snap/shutter";
import { tick } from "../../page/tick";
import { me } from "../../people/identity";
import { may } from "../../net/me";
import { ownNode } from "../../webcam/own";

interface Props {
  camera: Camera;
  /** The rate wanted, in frames a second. */
  fps: number;
  /** Its place; without it the style sheet decides. */
  box?: Box | undefined;
  /** In the film strip: the one that is shown large. */
  current?: boolean;
  /** Opens the camera; without it the tile is no button. */
  open?: () => void;
  /** It has a shutter. */
  shoots?: boolean;
  /** A hand holds it. */
  held?: boolean;
  /** What its label says besides. */
  note?: string | undefined;
  /** What lies over it. */
  children?: ComponentChildren;
  /** Called once, when there is a screen to ask for facts and to zoom. */
  ready?: (screen: Screen) => void;
}

export function Tile(props: Props) {
  const { camera: known, fps, box, current: framed, open, shoots, held, note, ready } = props;
  const element = useRef<HTMLLIElement & HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const screen = useRef<Screen | null>(null);
  const [, again] = useState(0);
  const isOwn = known.camera.startsWith(ownNode(me.value?.id));
  const camera = isOwn ? { ...known, name: words.value.you } : known;

  const look = (): Face => {
    const time = Date.now();
    return face(
      camera,
      screen.current ?? { opened: time, captured: null, rested: false },
      time,
      words.value,
    );
  };
  const shown = look();
  // Updates by clock and pictures compare with the last rendering.
  const now = useRef({ look, shown });
  now.current = { look, shown };

  const tellAge = (): void => {
    const captured = screen.current?.captured ?? null;
    if (captured === null) delete element.current!.dataset.ageMs;
    else element.current!.dataset.ageMs = String(Math.max(0, Math.round(Date.now() - captured)));
  };
  const follow = (): void => {
    tellAge();
    if (!same(now.current.look(), now.current.shown)) again((n) => n + 1);
  };

  useLayoutEffect(() => {
    const mine = addScreen(camera.camera, element.current!, canvas.current!, fps, () => {
      // A picture on a live tile changes only its age, many times a second.
      const { state, age } = now.current.shown;
      if (state === "live" && !age) tellAge();
      else follow();
    });
    screen.current = mine;
    ready?.(mine);
    return () => removeScreen(mine);
  }, []);
  useEffect(() => tick.subscribe(follow), []);

  const { current } = screen;
  // A picture that is old because the page was hidden is no news.
  const seen = current !== null && isVisible(current) && !current.rested;
  useEffect(() => {
    if (seen && link.value.open) tell(camera, shown);
  }, [shown.state, camera.state, camera.reason]);

  const isNamed = shoots && renamed.value === camera.camera;
  const named = (): void => {
    renamed.value = null;
    requestAnimationFrame(() => {
      const button = element.current?.querySelector<HTMLElement>(".open");
      if (document.activeElement === document.body) button?.focus({ preventScroll: true });
    });
  };
  const { state, why } = shown;
  const Element = open ? "li" : "div";
  return (
    <Element
      ref={element}
      class={held ? "tile held" : "tile"}
      data-camera={camera.camera}
      data-state={state}
      aria-current={framed ? "true" : undefined}
      style={
        box
          ? {
              width: `${box.width}px`,
              height: `${box.height}px`,
              transform: shift(box.x, box.y),
            }
          : { "--ar": aspectOf(camera) }
      }
      {...(open ? {} : { role: "img", "aria-label": shown.label })}
    >
      <canvas ref={canvas} />
      {open && (
        <button
          class="open"
          aria-label={note ? `${shown.label}. ${note}` : shown.label}
          onClick={open}
        />
      )}
      {why && (
        <div class="why" aria-hidden="true">
          <b>{why.headline}</b>
          {why.line && <span>{why.line}</span>}
        </div>
      )}
      {measured.value && screen.current && state === "live" && (
        <Parts screen={screen.current} measured={measured.value.get(screen.current.tile)} />
      )}
      <div class={isNamed ? "plate naming" : "plate"} aria-hidden={isNamed ? undefined : "true"}>
        <i class={`lamp ${state}`} />
        {isNamed ? <TitleForm camera={camera} close={named} /> : <Name name={camera.name} />}
        {shown.age && <span class="age">{shown.age}</span>}
      </div>
      {shoots && may("snap") && <Shutter camera={camera} />}
      {props.children}
    </Element>
  );
}

/** Where a tile stands, for the style sheet. */
export function shift(x: number, y: number): string {
  return `translate(${x}px,${y}px)`;
}

function same(a: Face, b: Face): boolean {
  return (
    a.state === b.state &&
    a.age === b.age &&
    a.label === b.label &&
    a.why?.headline === b.why?.headline &&
    a.why?.line === b.why?.line
  );
}
