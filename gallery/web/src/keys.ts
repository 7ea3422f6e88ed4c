// What a key does anywhere on the page.

import { signal } from "@preact/signals";
import { takeOff } from "./flight";
import { order } from "./gallery";
import { keep, kept } from "./kept";
import { neighbour, type Direction } from "./neighbour";
import { enlarge, enlarged, toWall } from "./route";

/** The list of keys is open. */
export const listed = signal(false);

/** Single letters do something. Speech input types them by accident, so they can be switched off. */
export const letters = signal(kept("letters") !== "off");

export function switchLetters(): void {
  letters.value = !letters.value;
  keep("letters", letters.value ? "on" : "off");
}

export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (listed.value || isTyping(event.target)) return;
    if (press(event.key)) event.preventDefault();
  });
}

/** Shows the camera `by` places further in the order of the wall, round and round. */
export function step(by: 1 | -1): void {
  const all = order.value;
  const here = all.indexOf(enlarged.value ?? "");
  const next = all[(here + by + all.length) % all.length];
  if (here >= 0 && next !== undefined) enlarge(next);
}

/** Returns to the wall; the picture travels back to its place. */
export function leave(): void {
  if (enlarged.value === null) return;
  takeOff(enlarged.value, document.querySelector(".stage .tile"));
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

const arrows: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

/** Whether the key did something. */
function press(key: string): boolean {
  const arrow = arrows[key];
  if (arrow) return enlarged.value === null ? move(arrow) : turn(arrow);
  if (key === "Escape" && enlarged.value !== null) {
    leave();
    return true;
  }
  if (key === "?") {
    listed.value = true;
    return true;
  }
  if (!letters.value) return false;
  if (key === "1") leave();
  else if (key.toLowerCase() === "f") toggleFullScreen();
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

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input, textarea, select"))
  );
}
