// The page's keys.

import { signal } from "@preact/signals";
import { takeOff } from "../../wall/camera/flight";
import { measure } from "../../net/gallery";
import { beginArranging } from "../../wall/arrange/arranging";
import { order } from "../../wall/arrange/mine";
import { keep, kept } from "../storage";
import { neighbour, type Direction } from "../../wall/layout/neighbour";
import { caller, type Right } from "../../net/me";
import { entrance } from "../../door/entrance";
import { permit } from "../../door/permit";
import { hasHouse } from "../../house/has-house";
import { enlarge, enlarged, room, toHouse, toPeople, toPhotos, toWall, viewed } from "../route";
import { shootHere } from "../../wall/snap/snap";
import { undo } from "../notices/toast";

/** The list of keys is open. */
export const listed = signal(false);

/** Whether single letters work. Speech input types them by accident, so they can be turned off. */
export const letters = signal(kept("letters") !== "off");

export function switchLetters(): void {
  letters.value = !letters.value;
  keep("letters", letters.value ? "on" : "off");
}

/** Whether it did something with the key. Single letters come in lower case, with Control as `Ctrl+a`. */
type Answer = (key: string, shift: boolean) => boolean;

const answers: Answer[] = [];

/**
 * The newest handler comes first. The result removes it. Call this in a layout effect: what
 * on the screen answers keys from its first frame on.
 */
export function answerKeys(answer: Answer): () => void {
  answers.unshift(answer);
  return () => void answers.splice(answers.indexOf(answer), 1);
}

export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey) return;
    if (listed.value || isTyping(event.target) || entrance.peek() === "door") return;
    const control = event.ctrlKey || event.metaKey;
    const done = control ? pressWithControl(event.key) : press(event.key, event.shiftKey);
    if (done) event.preventDefault();
  });
}

/** Shows the camera `by` places further in the wall's order, wrapping around. From one that is
 * hidden here it leads to an end. */
export function step(by: 1 | -1): void {
  const all = order.value;
  const here = all.indexOf(enlarged.value ?? "");
  const next = here < 0 ? all.at(by > 0 ? 0 : -1) : all[(here + by + all.length) % all.length];
  if (next !== undefined) enlarge(next);
}

/** Returns to the wall; the picture travels back to its place. */
export function leave(): void {
  if (enlarged.value !== null) takeOff(enlarged.value, document.querySelector(".stage .tile"));
  toWall();
}

export function toggleFullScreen(): void {
  if (!document.fullscreenEnabled) return;
  if (document.fullscreenElement) void document.exitFullscreen();
  // The one picture alone, or the whole wall.
  else
    (document.querySelector(".stage") ?? document.documentElement)
      .requestFullscreen()
      .catch(() => {});
}

export const arrows: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

/** Whether the key was handled. */
function press(key: string, shift: boolean): boolean {
  if (key === "?") {
    listed.value = true;
    return true;
  }
  const single = key.length === 1;
  if (single && !letters.value) return false;
  const name = single ? key.toLowerCase() : key;
  if (answers.some((answer) => answer(name, shift))) return true;
  if (viewed.value !== null) return false;
  if (name === "1") leave();
  else if (name === "2") toPhotos();
  else if (name === "3") return asks("talk", toPeople);
  else if (name === "4") return asksForHouse();
  else if (room.value === "wall") return pressOnWall(name);
  else return false;
  return true;
}

/** Goes to the room of those who have this right; the others are told whose it is. */
function asks(right: Right, to: () => void): boolean {
  if (permit(right)) to();
  return true;
}

function asksForHouse(): boolean {
  if (caller.value?.users) return asks("users", () => toHouse());
  if (hasHouse.value) toHouse();
  return hasHouse.value;
}

function pressWithControl(key: string): boolean {
  return key === "z" ? undo() : answers.some((answer) => answer(`Ctrl+${key}`, false));
}

function pressOnWall(key: string): boolean {
  const arrow = arrows[key];
  if (arrow) return enlarged.value === null ? move(arrow) : turn(arrow);
  if (key === "Escape" && enlarged.value !== null) leave();
  else if (key === "s") return permit("snap") ? shootHere() : true;
  else if (key === "f") toggleFullScreen();
  else if (key === "i") measure();
  else if (key === "o" && enlarged.value === null) beginArranging();
  else return false;
  return true;
}

function turn(arrow: Direction): boolean {
  if (arrow === "up" || arrow === "down") return false;
  step(arrow === "left" ? -1 : 1);
  return true;
}

function move(arrow: Direction): boolean {
  const tiles = [...document.querySelectorAll<HTMLElement>(".wall .tile")];
  const boxes = tiles.map((tile) => tile.getBoundingClientRect());
  const here = tiles.findIndex((tile) => tile.contains(document.activeElement));
  const next = tiles[neighbour(boxes, here, arrow) ?? -1];
  next?.querySelector("button")?.focus();
  return next !== undefined;
}

/** Space presses the button that has the focus, whatever else it does here. */
export function pressesButton(): boolean {
  return document.activeElement instanceof HTMLButtonElement;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select"))
  );
}
