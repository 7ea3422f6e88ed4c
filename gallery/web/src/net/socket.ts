// One WebSocket that comes back by itself.

/** Milliseconds before the first new try, and at most. */
const FIRST = 500;
const MOST = 5_000;
/** How long a try may take. */
const PATIENCE = 10_000;

export interface Listener {
  /** `reply` sends on this connection, and nothing once it is lost. */
  opened(reply: (bytes: ArrayBuffer) => void): void;
  /** `next` is when it tries again, by `Date.now()`. */
  lost(next: number): void;
  text(message: string): void;
  bytes(message: ArrayBuffer): void;
}

export class Socket {
  readonly #url: string;
  readonly #listener: Listener;
  #socket: WebSocket | null = null;
  #wait = FIRST;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #doubt: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, listener: Listener) {
    this.#url = url;
    this.#listener = listener;
    this.connect();
  }

  /** Sends if there is a connection, and tells whether there is. */
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
      this.#trust();
      this.#wait = FIRST;
      this.#listener.opened(reply);
    };
    // Both kinds of data arrive without a promise in between, so their order is kept.
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (!current()) return;
      this.#trust();
      if (typeof event.data === "string") this.#listener.text(event.data);
      else this.#listener.bytes(event.data);
    };
    socket.onclose = () => {
      if (current()) this.#again();
    };
    this.doubt(PATIENCE);
  }

  /** A connection that says nothing for so long from now is dead, whatever the browser believes. */
  doubt(milliseconds: number): void {
    clearTimeout(this.#doubt);
    this.#doubt = setTimeout(() => this.#socket && this.#again(), milliseconds);
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

  #trust(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
  }

  #again(): void {
    this.#drop();
    this.#retry = setTimeout(() => this.connect(), this.#wait);
    this.#listener.lost(Date.now() + this.#wait);
    this.#wait = Math.min(MOST, this.#wait * 2);
  }

  #drop(): void {
    this.#trust();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
