// All cameras, as large as the window allows.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { land, takeOff } from "./camera/flight";
import { aspectOf } from "../net/gallery";
import { Join } from "../invite/invite";
import { Icon } from "../page/icon";
import { showMine } from "../webcam/webcam";
import { may } from "../net/me";
import { words } from "../words/language";
import type { Camera } from "../net/messages";
import { answerKeys } from "../page/keys/keys";
import { came, enlarge, viewed } from "../page/route";
import { nameHere, renamed } from "./camera/title";
import { useArrangeKeys } from "./arrange/arrange-keys";
import {
  beginArranging,
  endArranging,
  focused,
  focusing,
  isArranging,
  moveTo,
  showAgain,
} from "./arrange/arranging";
import { dropAt, type Drop } from "./arrange/drop";
import { Grab } from "./arrange/grab";
import { followHand, type Following } from "./arrange/hand";
import { arrangement, largest, order } from "./arrange/mine";
import { pageCount, part, turnPage, turnTo } from "./arrange/pages";
import type { Box } from "./layout/box";
import { gridOf } from "./layout/grid";
import { findPlaces, placed, type Plan } from "./layout/placing";
import { shift, Tile } from "./tile/tile";

/** The pixels between pictures. */
const GAP = 2;
const FPS = 30;

/** The scroll position, which survives a visit to a camera. */
let scrolled = 0;

/** The tile that a hand holds, and where it would stand. */
interface Lifted {
  camera: string;
  /** Where it was, on a page that may no longer be shown. */
  box: Box;
  drop: Drop | null;
}

/** `list` are the cameras that are shown here, in this wall's order. */
export function Wall({ list }: { list: readonly Camera[] }) {
  const element = useRef<HTMLUListElement>(null);
  const [room, setRoom] = useState({ width: 0, height: 0 });
  // The first layout is no change, so nothing travels.
  const [first, setFirst] = useState(true);
  const [lifted, setLifted] = useState<Lifted | null>(null);
  const [offers, setOffers] = useState<string | null>(null);

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
      endArranging();
    };
  }, []);

  const { from, to } = part.value;
  const onPage = list.slice(from - 1, to);
  useLayoutEffect(() => {
    const end = answerKeys((key) => key === "n" && viewed.value === null && nameHere());
    return () => {
      end();
      renamed.value = null;
    };
  }, []);

  useLayoutEffect(() => {
    if (!(room.width > 0 && room.height > 0)) return;
    // A tile that was put elsewhere in the list travels from where it was.
    void element.current!.offsetTop;
    const names = onPage.map(({ camera }) => camera);
    findPlaces(names, onPage.map(aspectOf), { ...room, gap: GAP }, planOf(names));
  });

  const wall = placed.value;
  const ready = wall !== null && room.width > 0;
  useEffect(() => {
    if (!ready) return;
    const timer = setTimeout(() => setFirst(false), 300);
    return () => clearTimeout(timer);
  }, [ready]);
  useLayoutEffect(() => {
    if (came) turnTo(came);
  }, []);
  useLayoutEffect(() => {
    if (!ready) return;
    element.current!.scrollTop = scrolled;
    const tile = came && tileOf(element.current!, came);
    if (!tile) return;
    tile.querySelector("button")?.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
    land(came!, tile);
  }, [ready]);
  useLayoutEffect(() => {
    const tile = focusing && tileOf(element.current!, focusing);
    if (!tile) return;
    tile.querySelector("button")?.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
    focused();
  });

  const following = useHand(element, lifted, setLifted, setOffers);
  useArrangeKeys({ cancel: () => following.current?.cancel() ?? false });
  const arranging = isArranging();

  const tall = wall?.tall ?? false;
  // What a hand holds stays under it, also when it turns the page.
  const held = lifted && list.find(({ camera }) => camera === lifted.camera);
  const drawn = held && !onPage.includes(held) ? [...onPage, held] : onPage;
  const classes = ["wall", tall && "tall", first && "first", arranging && "arranging"];
  return (
    <ul ref={element} role="list" class={classes.filter(Boolean).join(" ")}>
      {ready &&
        drawn.map((camera) => {
          const name = camera.camera;
          const isHeld = lifted?.camera === name;
          const box = wall.boxes.get(name) ?? (isHeld ? lifted.box : undefined);
          const place = order.value.indexOf(name) + 1;
          // A new tile shows once its place is known.
          return (
            box && (
              <Tile
                key={name}
                camera={camera}
                fps={FPS}
                box={box}
                shoots={!arranging}
                held={isHeld}
                note={arranging ? words.value.arrange.place(place, list.length) : undefined}
                open={() => {
                  if (arranging) return setOffers(name);
                  takeOff(name, tileOf(element.current!, name));
                  enlarge(name);
                }}
              >
                {arranging && (
                  <Grab
                    camera={name}
                    name={camera.name}
                    place={place}
                    large={largest.value === name}
                    offers={offers === name}
                  />
                )}
              </Tile>
            )
          );
        })}
      {lifted && wall?.boxes.has(lifted.camera) && <Mark class="hole" box={lifted.box} />}
      {lifted?.drop && <Mark class="slot" box={lifted.drop.mark} />}
    </ul>
  );
}

function Mark({ box, class: name }: { box: Box; class: string }) {
  const { x, y, width, height } = box;
  const place = { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
  return <li class={name} aria-hidden="true" style={place} />;
}

function planOf(names: readonly string[]): Plan {
  const grid = gridOf(arrangement.value.layout);
  if (grid) return grid;
  const large = largest.value === null ? -1 : names.indexOf(largest.value);
  return large < 0 ? "rows" : { large };
}

/** Lets mouse and fingers lift tiles and turn pages. */
function useHand(
  element: { current: HTMLUListElement | null },
  lifted: Lifted | null,
  setLifted: (lifted: Lifted | null) => void,
  setOffers: (camera: string | null) => void,
): { current: Following | null } {
  const following = useRef<Following | null>(null);
  const now = useRef<Lifted | null>(null);
  const hold = (held: Lifted | null): void => {
    now.current = held;
    setLifted(held);
  };
  useLayoutEffect(() => {
    const wall = element.current!;
    const hand = followHand(wall, {
      swipes: () => pageCount.peek() > 1,
      turn: turnPage,
      lift(camera) {
        const box = placed.peek()?.boxes.get(camera);
        if (!box || order.peek().length < 2) return false;
        beginArranging();
        setOffers(null);
        hold({ camera, box, drop: null });
        return true;
      },
      carry(by, at) {
        const held = now.current!;
        const { camera, box } = held;
        const tile = tileOf(wall, camera);
        if (tile) tile.style.transform = `${shift(box.x + by.x, box.y + by.y)} scale(.82)`;
        const boxes = placed.peek()?.boxes ?? new Map<string, Box>();
        const drop = dropAt(boxes, camera, at, wall.clientWidth);
        const old = held.drop;
        if (old?.camera !== drop?.camera || old?.after !== drop?.after) hold({ ...held, drop });
      },
      drop(moved) {
        const { camera, drop } = now.current!;
        hold(null);
        if (!moved) setOffers(camera);
        if (!drop || !moved) return;
        const rest = order.peek().filter((name) => name !== camera);
        moveTo(camera, rest.indexOf(drop.camera) + (drop.after ? 1 : 0));
      },
      cancel: () => hold(null),
    });
    following.current = hand;
    return hand.stop;
  }, []);
  // What was let go travels from the hand to its place.
  const before = useRef<Lifted | null>(null);
  useLayoutEffect(() => {
    const old = before.current;
    before.current = lifted;
    if (!old || lifted) return;
    const tile = tileOf(element.current!, old.camera);
    const box = placed.peek()?.boxes.get(old.camera);
    if (!tile || !box) return;
    void tile.offsetTop;
    tile.style.transform = shift(box.x, box.y);
  }, [lifted]);
  return following;
}

/** When all cameras are hidden here. */
export function AllHidden() {
  const { allHidden, allHiddenHelp, showAll } = words.value.arrange;
  return (
    <section class="hollow">
      <h2>{allHidden}</h2>
      <p>{allHiddenHelp}</p>
      <div>
        <button class="pill" onClick={() => showAgain(...arrangement.value.hidden)}>
          {showAll}
        </button>
      </div>
    </section>
  );
}

export function NoCamera() {
  const { noCamera, noCameraHelp, noCameraOr, noCameraWhy, own } = words.value;
  return (
    <section class="hollow invite">
      <div class="head">
        <h2>{noCamera}</h2>
        <p>
          {noCameraHelp} {may("show") && noCameraOr}
        </p>
        <p class="more">
          {noCameraWhy[0]}
          <code>vitrina cameras</code>
          {noCameraWhy[1]}
        </p>
        {may("show") && (
          <div class="acts">
            <button class="pill" onClick={showMine}>
              <Icon name="cam" />
              {own.show}
            </button>
          </div>
        )}
      </div>
      <Join to="wall" />
    </section>
  );
}

export function tileOf(root: ParentNode, camera: string): HTMLElement | null {
  return root.querySelector<HTMLElement>(`.tile[data-camera="${CSS.escape(camera)}"]`);
}
