// This device's camera: a preview for oneself, photos from it, and the way onto the wall.

import { useEffect, useRef, useState } from "preact/hooks";
import {
  closeCamera,
  closed,
  countdown,
  COUNTDOWNS,
  device,
  devices,
  mirror,
  openCamera,
  stream,
  takeStill,
  video,
  type Closed,
  type Countdown,
} from "./capture";
import { Icon } from "../page/icon";
import { permit } from "../door/permit";
import { may } from "../net/me";
import { words } from "../words/language";
import { named } from "../people/identity";
import { toPeople } from "../page/route";
import { secureAddress } from "../net/secure-address";
import { takenAt } from "../photos/uploads/upload";
import { share, sharing, unshare } from "./publish";
import { LastTaken, showTaken } from "./taken";
import { complain } from "../page/notices/toast";
import { add, chooseFiles, underWay } from "../photos/uploads/uploads";
import type { Words } from "../words/words";

/** The way to one's camera from anywhere. */
export function showMine(): void {
  if (!permit("show")) return;
  toPeople();
  named(() => void openCamera());
}

export function Own() {
  if (!may("show") && !may("upload")) return null;
  const { own } = words.value;
  return (
    <section class="me" aria-label={own.title}>
      {stream.value ? <Open /> : <Shut />}
    </section>
  );
}

function Shut() {
  const { own } = words.value;
  const why = closed.value;
  const told = why && reason(why, secureAddress.value, words.value);
  return (
    <>
      {told && (
        <div class="shut" role="status">
          <h2>{told[0]}</h2>
          <p>{told[1]}</p>
        </div>
      )}
      <div class="row">
        {why === "forbidden" && secureAddress.value !== null && (
          <a class="pill" href={secureAddress.value}>
            {own.secure}
          </a>
        )}
        {why !== "forbidden" && may("show") && (
          <button class="pill" onClick={() => named(() => void openCamera())}>
            <Icon name="cam" />
            {why ? own.again : own.show}
          </button>
        )}
        {may("upload") && (
          <button class="pill dim" onClick={() => named(chooseFiles)}>
            {own.choose}
          </button>
        )}
      </div>
    </>
  );
}

function reason(why: Closed, secure: string | null, { own }: Words): [string, string] {
  switch (why) {
    case "forbidden":
      return [own.forbidden, secure === null ? own.forbiddenAlone : own.forbiddenHelp(secure)];
    case "denied":
      return [own.denied, own.deniedHelp];
    case "none":
      return [own.none, own.noneHelp];
    case "busy":
      return [own.busy, own.busyHelp];
    case "gone":
      return [own.gone, own.goneHelp];
  }
}

function Open() {
  const glass = useRef<HTMLDivElement>(null);
  const { own } = words.value;
  const { left, press } = useShutter(glass);
  const shown = sharing.value;
  return (
    <>
      <div ref={glass} class={`glass${mirror.value ? " mirrored" : ""}`}>
        <Preview />
        {left !== null && (
          <span class="count" role="timer" aria-live="assertive">
            {left}
          </span>
        )}
        {shown && <OnAir />}
      </div>
      <div class="row">
        <button
          class={`shutter${left !== null || underWay.value ? " waiting" : ""}`}
          aria-busy={underWay.value}
          style={{ "--d": "3.5rem" }}
          aria-label={own.take}
          onClick={press}
        />
        <LastTaken />
        {shown ? (
          <button class="pill dim" onClick={unshare}>
            {own.stop}
          </button>
        ) : (
          <button class="pill" onClick={() => named(share)}>
            {own.start}
          </button>
        )}
        <button class="word" onClick={closeCamera}>
          {own.shut}
        </button>
        <button class="word" onClick={() => named(chooseFiles)}>
          {own.choose}
        </button>
      </div>
      <Choices />
    </>
  );
}

/** The one video element, from which photos and the wall's pictures are drawn too. */
function Preview() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current!.append(video);
    return () => video.remove();
  }, []);
  return <div ref={place} class="view" role="img" aria-label={words.value.own.sees} />;
}

function OnAir() {
  const { own } = words.value;
  const shown = sharing.value;
  if (!shown) return null;
  const { looked, refused } = shown;
  if (refused !== null) {
    return (
      <div class="onair" role="status">
        <i class="lamp error" />
        {own.notShown}. {refused}.
      </div>
    );
  }
  return (
    <div class="onair" role="status">
      <i class={`lamp ${looked === null ? "connecting" : "live"}`} />
      {looked === null ? own.waiting : `${own.onWall} ${looked ? own.looking : own.notLooking}`}
    </div>
  );
}

function Choices() {
  const { own } = words.value;
  return (
    <div class="row">
      {devices.value.length > 0 && (
        <label class="choice">
          <span class="sr">{own.device}</span>
          <select
            value={device.value}
            onChange={(event) => void openCamera(event.currentTarget.value)}
          >
            {devices.value.map(({ id, name }, i) => (
              <option key={id} value={id}>
                {name || own.nth(i + 1)}
              </option>
            ))}
          </select>
        </label>
      )}
      <label class="choice">
        <span class="sr">{own.countdown}</span>
        <select
          value={countdown.value}
          onChange={(event) => (countdown.value = Number(event.currentTarget.value) as Countdown)}
        >
          {COUNTDOWNS.map((seconds) => (
            <option key={seconds} value={seconds}>
              {own.countdowns[seconds]}
            </option>
          ))}
        </select>
      </label>
      <button
        class="choice"
        role="switch"
        aria-checked={mirror.value}
        onClick={() => (mirror.value = !mirror.value)}
      >
        <i class="switch" />
        {own.mirror}
      </button>
    </div>
  );
}

/** Presses the shutter, after the countdown; pressed again it stops counting. */
function useShutter(glass: { current: HTMLDivElement | null }) {
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    if (left === null) return;
    const timer = setTimeout(() => {
      setLeft(left > 1 ? left - 1 : null);
      if (left === 1) void shoot(glass.current);
    }, 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  const press = (): void => {
    if (left !== null) setLeft(null);
    else
      named(() => (countdown.peek() > 0 ? setLeft(countdown.peek()) : void shoot(glass.current)));
  };
  return { left, press };
}

const FLASH = 320;

async function shoot(glass: HTMLElement | null): Promise<void> {
  const taken = performance.now();
  glass?.classList.add("flash");
  setTimeout(() => glass?.classList.remove("flash"), FLASH);
  const still = await takeStill();
  if (!still) {
    const { own } = words.peek();
    complain(own.noPhoto, own.noPhotoHelp);
    return;
  }
  const end = still.type === "image/png" ? "png" : "jpg";
  const file = new File([still], `camera.${end}`, { type: still.type || "image/jpeg" });
  takenAt.set(file, taken);
  add([file], true);
  showTaken(file, glass?.getBoundingClientRect() ?? null);
}
