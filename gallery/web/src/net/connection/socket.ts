// One WebSocket that reconnects by itself, also after a loss that nothing reports.

import { LOOK, Silence } from "./silence";

/** Milliseconds before the first retry, and at most. */
const FIRST = 500;
const MOST = 5_000;
/** How long a try may take. */
const PATIENCE = 10_000;
/** The gallery's code for closing: whoever opened it is not logged in any more. */
export const OVER = 4401;

export interface Listener {
  /** `reply` sends on this connection, and does nothing once it is lost. */
  opened(reply: (bytes: ArrayBuffer) => void): void;
  /** `since` is when something last arrived, `next` when it tries again, by `Date.now()`. */
  lost(since: number, next: number): void;
  /** The login ended; it does not come back until `connect` is called. */
  over(): void;
  text(message: string): void;
  bytes(message: ArrayBuffer): void;
}

export class Socket {
  readonly #url: string;
  readonly #listener: Listener;
  #socket: WebSocket | null = null;
  #wait = FIRST;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #opened = false;
  #tried = 0;
  readonly #silence = new Silence(performance.now());
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(url: string, listener: Listener) {
    this.#url = url;
    this.#listener = listener;
    this.connect();
  }

  /** Sends if there is a connection, and returns whether there is. */
  send(message: string | Blob): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(message);
    return true;
  }

  /** Bytes that the network has not taken yet. */
  get buffered(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects now unless it is connected or trying. */
  connect(): void {
    if (this.#socket) return;
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const current = (): boolean => socket === this.#socket;
    const reply = (bytes: ArrayBuffer): void => {
      if (current() && socket.readyState === WebSocket.OPEN) socket.send(bytes);
    };
    socket.onopen = () => {
      if (!current()) return;
      this.#opened = true;
      this.#silence.begin(performance.now());
      this.#wait = FIRST;
      this.#listener.opened(reply);
    };
    // Both kinds of data arrive without a promise in between, so their order is kept.
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (!current()) return;
      this.#silence.hear(performance.now());
      if (typeof event.data === "string") this.#listener.text(event.data);
      else this.#listener.bytes(event.data);
    };
    socket.onclose = ({ code }) => {
      if (!current()) return;
      if (code !== OVER) return this.#again();
      this.close();
      this.#listener.over();
    };
    this.#opened = false;
    this.#tried = performance.now();
    this.#watch ??= setInterval(() => this.#look(), LOOK);
  }

  /** Connects now if it is not connected; an apparent connection must prove that it lives. */
  wake(): void {
    this.connect();
    this.#silence.wake(performance.now());
    this.#tried = performance.now();
  }

  /** Closes and connects anew. */
  restart(): void {
    this.close();
    this.connect();
  }

  /** Closes, and does not come back until `connect` is called. */
  close(): void {
    clearTimeout(this.#retry);
    this.#drop();
  }

  #look(): void {
    const now = performance.now();
    const dead = this.#opened ? this.#silence.isDead(now) : now - this.#tried > PATIENCE;
    if (dead) this.#again();
  }

  #again(): void {
    const silent = this.#opened ? this.#silence.since(performance.now()) : 0;
    this.#drop();
    this.#retry = setTimeout(() => this.connect(), this.#wait);
    this.#listener.lost(Date.now() - silent, Date.now() + this.#wait);
    this.#wait = Math.min(MOST, this.#wait * 2);
  }

  #drop(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    this.#opened = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
