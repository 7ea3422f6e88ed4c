// This device's cameras: the list, the open one, and photos from it.

import { effect, signal } from "@preact/signals";
import { keep, kept } from "../page/storage";

/** Why a camera cannot be used: no secure page, no permission, none there, in use. */
export type Closed = "forbidden" | "denied" | "none" | "busy" | "gone";

export interface Device {
  id: string;
  /** Empty before the browser lists them. */
  name: string;
}

/** The open camera; null when none is. */
export const stream = signal<MediaStream | null>(null);

/** Why it is not open. */
export const closed = signal<Closed | null>(null);

export const devices = signal<readonly Device[]>([]);

/** The device that is open. */
export const device = signal<string>(kept("device") ?? "");

/** Whether the preview is mirrored, for this person only. */
export const mirror = signal(kept("mirror") !== "off");

export type Countdown = 0 | 3 | 10;
export const COUNTDOWNS: readonly Countdown[] = [0, 3, 10];

export const countdown = signal<Countdown>(
  COUNTDOWNS.find((seconds) => `${seconds}` === kept("countdown")) ?? 0,
);

effect(() => keep("mirror", mirror.value ? "on" : "off"));
effect(() => keep("countdown", `${countdown.value}`));

/** The picture of the open camera, from which photos and the wall are drawn. */
export const video = document.createElement("video");
video.muted = true;
video.playsInline = true;
// A video outside the document pauses, but the wall still needs its pictures.
video.addEventListener("pause", () => {
  if (stream.peek()) void video.play().catch(() => {});
});

/** The size asked for. The browser gives the nearest. */
const WANTED = { width: { ideal: 1920 }, height: { ideal: 1080 }, frameRate: { ideal: 30 } };

/** How long a camera may take for a photo of its own. */
const PATIENCE = 5_000;

let opening = 0;

/** Opens a camera: this one, or the one that was open last, or any. */
export async function openCamera(id = device.peek()): Promise<void> {
  const mine = ++opening;
  closed.value = null;
  if (!navigator.mediaDevices) {
    closed.value = "forbidden";
    return;
  }
  stop(stream.peek());
  try {
    const which = id === "" ? {} : { deviceId: { ideal: id } };
    const opened = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which } });
    if (mine !== opening) return stop(opened);
    const [track] = opened.getVideoTracks();
    track?.addEventListener("ended", () => {
      if (stream.peek() !== opened) return;
      closeCamera();
      closed.value = "gone";
    });
    video.srcObject = opened;
    await video.play().catch(() => {});
    if (mine !== opening) return stop(opened);
    device.value = track?.getSettings().deviceId ?? "";
    keep("device", device.value);
    stream.value = opened;
    await list();
  } catch (error) {
    if (mine !== opening) return;
    closeCamera();
    closed.value = reason(error);
  }
}

export function closeCamera(): void {
  opening++;
  stop(stream.peek());
  video.srcObject = null;
  stream.value = null;
}

/** A photo in the full resolution that the device gives; null if there is no picture. */
export async function takeStill(): Promise<Blob | null> {
  const [track] = stream.peek()?.getVideoTracks() ?? [];
  if (!track) return null;
  const own = await stillOf(track).catch(() => null);
  return own !== null && own.size > 0 ? own : drawStill();
}

async function stillOf(track: MediaStreamTrack): Promise<Blob | null> {
  if (!("ImageCapture" in window)) return null;
  const { ImageCapture } = window as unknown as {
    ImageCapture: new (track: MediaStreamTrack) => { takePhoto(): Promise<Blob> };
  };
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE));
  return Promise.race([new ImageCapture(track).takePhoto(), late]);
}

function drawStill(): Promise<Blob | null> {
  const { videoWidth: width, videoHeight: height } = video;
  if (width === 0) return Promise.resolve(null);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

async function list(): Promise<void> {
  const all = await navigator.mediaDevices.enumerateDevices();
  devices.value = all
    .filter(({ kind, deviceId }) => kind === "videoinput" && deviceId !== "")
    .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
}

navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (stream.peek()) void list();
});

function stop(old: MediaStream | null): void {
  for (const track of old?.getTracks() ?? []) track.stop();
}

function reason(error: unknown): Closed {
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return "denied";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    default:
      return "busy";
  }
}
