// Owns the WebSocket and the canvases, off the main thread, so that a busy page delays no
// picture. On browsers that cannot draw in a worker the page imports this file and calls `serve`.

import { Answers } from "./answers";
import type { FromWorker, ToWorker } from "./worker-messages";
import { Clock } from "../clock";
import { CLOCK_UNKNOWN, MAY_WAIT, parseFrame } from "./frame";
import { parseMessage, type Camera, type FromPage, type ToPage } from "../messages";
import { Screens } from "../../wall/tile/canvases";
import { PATIENCE, withMissing } from "../returning";
import { Socket } from "./socket";

type Cameras = ToPage & { type: "cameras" };

/** Starts the work; the returned function handles the page's messages. */
export function serve(post: (message: FromWorker) => void): (message: ToWorker) => void {
  const clock = new Clock();
  const screens = new Screens((tile, { captured, least, came }, width, height) =>
    post({ is: "drawn", tile, captured, least, took: performance.now() - came, width, height }),
  );
  let socket: Socket | null = null;
  let answers: Answers | null = null;
  let watch: FromPage = { type: "watch", tiles: [] };
  let paused = false;
  let measures = false;
  let bell: ReturnType<typeof setTimeout> | undefined;
  let cameras: Camera[] = [];
  let told: Cameras | null = null;
  let patience: ReturnType<typeof setTimeout> | undefined;

  const say = (message: FromPage): void => void socket?.send(JSON.stringify(message));
  const list = (message: Cameras): void => {
    told = message;
    cameras = patience ? withMissing(cameras, message.cameras) : message.cameras;
    const shown = { ...message, cameras };
    screens.keep(new Set(visible(shown)));
    post({ is: "said", message: shown, behind: clock.local(0) });
  };
  const forget = (): void => {
    clearTimeout(patience);
    patience = undefined;
    told = null;
    cameras = [];
    screens.keep(new Set());
  };
  const listener = {
    opened(reply: (bytes: ArrayBuffer) => void) {
      if (told) {
        clearTimeout(patience);
        patience = setTimeout(() => {
          patience = undefined;
          list(told!);
        }, PATIENCE);
      }
      answers = new Answers(reply);
      if (paused) say({ type: "pause" });
      say(watch);
      if (measures) say({ type: "measure", on: true });
      post({ is: "open" });
    },
    lost: (since: number, next: number) => post({ is: "lost", since, next }),
    over() {
      forget();
      post({ is: "over" });
    },
    text(text: string) {
      const message = parseMessage(text);
      if (!message) return;
      if (message.type === "cameras" || message.type === "alive") {
        clock.hear(message.now, Date.now());
      }
      if (message.type === "alive") return;
      if (message.type === "cameras") list(message);
      else post({ is: "said", message, behind: clock.local(0) });
    },
    bytes(bytes: ArrayBuffer) {
      const frame = parseFrame(bytes);
      if (!frame) return;
      clock.hear(frame.sent, Date.now());
      const picture = {
        jpeg: new Blob([frame.jpeg], { type: "image/jpeg" }),
        captured: clock.local(frame.captured),
        least: (frame.flags & CLOCK_UNKNOWN) !== 0,
        came: performance.now(),
      };
      // Serials are valid on their connection only.
      const of = answers;
      const mayWait = (frame.flags & MAY_WAIT) !== 0;
      screens.show(frame.tile, picture, () => of?.add(frame.serial, mayWait));
    },
  };

  return (message) => {
    switch (message.do) {
      case "start":
        socket = new Socket(message.url, listener);
        break;
      case "say":
        if (message.message.type === "watch") watch = message.message;
        if (message.message.type === "pause") paused = true;
        if (message.message.type === "resume") paused = false;
        if (message.message.type === "measure") measures = message.message.on;
        say(message.message);
        break;
      case "add":
        screens.add(message.tile, message.camera, message.canvas);
        break;
      case "remove":
        screens.remove(message.tile);
        break;
      case "ring":
        clearTimeout(bell);
        bell = setTimeout(() => post({ is: "ringing" }), message.after);
        break;
      case "try":
        socket?.connect();
        break;
      case "shut":
        forget();
        socket?.close();
        break;
      case "woke":
        socket?.wake();
        break;
      case "leave":
        socket?.close();
        break;
    }
  };
}

/** The cameras whose pictures may be shown: not those that are off. */
function visible({ cameras }: Cameras): string[] {
  return cameras.filter((camera) => camera.state !== "off").map((camera) => camera.camera);
}

if (typeof document === "undefined") {
  const take = serve((message) => postMessage(message));
  addEventListener("message", (event: MessageEvent<ToWorker>) => take(event.data));
}
