// All cameras, as large as the window allows.

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { land, takeOff } from "./flight";
import { aspectOf } from "../net/gallery";
import { words } from "../words/language";
import { carry, cut, layout } from "./layout";
import type { Camera } from "../net/messages";
import { came, enlarge } from "../page/route";
import { Tile } from "./tile";

/** Pictures meet with so many pixels between them, and give so much to reach the edges. */
const GAP = 2;
const CROP = 0.18;
/** The narrowest tile, in rem. */
const LEAST = 8;
const FPS = 30;

/** What outlives a visit to a camera: which tiles share a row, and how far it was scrolled. */
let rows: string[][] = [];
let scrolled = 0;

export function Wall({ list }: { list: Camera[] }) {
  const element = useRef<HTMLUListElement>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  // The first layout is no change, so nothing travels.
  const [first, setFirst] = useState(true);

  useLayoutEffect(() => {
    const wall = element.current!;
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = wall;
      setRoom((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(wall);
    const timer = setTimeout(() => setFirst(false), 300);
    return () => {
      observer.disconnect();
      clearTimeout(timer);
      scrolled = wall.scrollTop;
    };
  }, []);

  const ready = room.width > 0 && room.height > 0;
  useLayoutEffect(() => {
    if (!ready) return;
    element.current!.scrollTop = scrolled;
    const tile = came && tileOf(element.current!, came);
    if (!tile) return;
    tile.querySelector("button")?.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
    land(came!, tile);
  }, [ready]);

  const names = list.map(({ camera }) => camera);
  const several = list.length > 1;
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const { boxes, breaks, tall } = layout(
    list.map(aspectOf),
    { ...room, gap: GAP, crop: several ? CROP : 0, least: several ? LEAST * rem : 0 },
    carry(rows, names),
  );
  if (ready && !tall) rows = cut(names, breaks);

  return (
    <ul ref={element} role="list" class={`wall${tall ? " tall" : ""}${first ? " first" : ""}`}>
      {ready &&
        list.map((camera, i) => (
          <Tile
            key={camera.camera}
            camera={camera}
            fps={FPS}
            box={boxes[i]}
            shoots
            open={() => {
              takeOff(camera.camera, tileOf(element.current!, camera.camera));
              enlarge(camera.camera);
            }}
          />
        ))}
    </ul>
  );
}

export function NoCamera() {
  const { noCamera, noCameraHelp, noCameraWhy } = words.value;
  return (
    <section class="hollow">
      <h2>{noCamera}</h2>
      <p>{noCameraHelp}</p>
      <p class="more">
        {noCameraWhy[0]}
        <code>vitrina cameras</code>
        {noCameraWhy[1]}
      </p>
    </section>
  );
}

export function tileOf(root: ParentNode, camera: string): HTMLElement | null {
  return root.querySelector<HTMLElement>(`.tile[data-camera="${CSS.escape(camera)}"]`);
}
