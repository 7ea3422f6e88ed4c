// All cameras, as large as the window allows.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { land, takeOff } from "./camera/flight";
import { aspectOf } from "../net/gallery";
import { Join } from "../invite/invite";
import { Icon } from "../page/icon";
import { showMine } from "../webcam/webcam";
import { words } from "../words/language";
import type { Camera } from "../net/messages";
import { arrange, placed } from "./layout/placing";
import { answerKeys } from "../page/keys/keys";
import { came, enlarge, viewed } from "../page/route";
import { nameHere, renamed } from "./camera/title";
import { Tile } from "./tile/tile";

/** The pixels between pictures. */
const GAP = 2;
const FPS = 30;

/** The scroll position, which survives a visit to a camera. */
let scrolled = 0;

export function Wall({ list }: { list: Camera[] }) {
  const element = useRef<HTMLUListElement>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  // The first layout is no change, so nothing travels.
  const [first, setFirst] = useState(true);

  useLayoutEffect(() => {
    const wall = element.current!;
    const measure = (): void => {
      const { offsetWidth: width, offsetHeight: height } = wall;
      setRoom((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(wall);
    return () => {
      observer.disconnect();
      scrolled = wall.scrollTop;
    };
  }, []);

  useLayoutEffect(() => {
    const end = answerKeys((key) => key === "n" && viewed.value === null && nameHere());
    return () => {
      end();
      renamed.value = null;
    };
  }, []);

  useLayoutEffect(() => {
    const names = list.map(({ camera }) => camera);
    if (room.width > 0 && room.height > 0)
      arrange(names, list.map(aspectOf), { ...room, gap: GAP });
  });

  const wall = placed.value;
  const ready = wall !== null && room.width > 0;
  useEffect(() => {
    if (!ready) return;
    const timer = setTimeout(() => setFirst(false), 300);
    return () => clearTimeout(timer);
  }, [ready]);
  useLayoutEffect(() => {
    if (!ready) return;
    element.current!.scrollTop = scrolled;
    const tile = came && tileOf(element.current!, came);
    if (!tile) return;
    tile.querySelector("button")?.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
    land(came!, tile);
  }, [ready]);

  const tall = wall?.tall ?? false;
  return (
    <ul ref={element} role="list" class={`wall${tall ? " tall" : ""}${first ? " first" : ""}`}>
      {ready &&
        list.map((camera) => {
          const box = wall.boxes.get(camera.camera);
          // A new tile shows once its place is known.
          return (
            box && (
              <Tile
                key={camera.camera}
                camera={camera}
                fps={FPS}
                box={box}
                shoots
                open={() => {
                  takeOff(camera.camera, tileOf(element.current!, camera.camera));
                  enlarge(camera.camera);
                }}
              />
            )
          );
        })}
    </ul>
  );
}

export function NoCamera() {
  const { noCamera, noCameraHelp, noCameraOr, noCameraWhy, own } = words.value;
  return (
    <section class="hollow invite">
      <div class="head">
        <h2>{noCamera}</h2>
        <p>
          {noCameraHelp} {noCameraOr}
        </p>
        <p class="more">
          {noCameraWhy[0]}
          <code>vitrina cameras</code>
          {noCameraWhy[1]}
        </p>
        <div class="acts">
          <button class="pill" onClick={showMine}>
            <Icon name="cam" />
            {own.show}
          </button>
        </div>
      </div>
      <Join to="wall" />
    </section>
  );
}

export function tileOf(root: ParentNode, camera: string): HTMLElement | null {
  return root.querySelector<HTMLElement>(`.tile[data-camera="${CSS.escape(camera)}"]`);
}
