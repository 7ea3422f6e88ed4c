// Asks the gallery who is there, one question at a time. Whoever logs in here is told so by the
// login's own answer: one to an earlier question, or to one asked meanwhile, may be of before.

import type { Me } from "../net/me";

export class Asking {
  readonly #ask: () => Promise<Me>;
  readonly #found: (me: Me) => void;
  #looking: Promise<void> | null = null;
  #coming: Promise<Me> | null = null;
  /** Logins that began here. */
  #logins = 0;

  constructor(ask: () => Promise<Me>, found: (me: Me) => void) {
    this.#ask = ask;
    this.#found = found;
  }

  /** Asks, unless it is asked already. During a login that is its answer, unless it fails. */
  look(): Promise<void> {
    const again = (): Promise<void> => this.look();
    if (this.#coming) return this.#coming.then(() => {}, again);
    return (this.#looking ??= this.#look());
  }

  async #look(): Promise<void> {
    const at = this.#logins;
    // Without an answer all stays as it is: the connection's line says that the gallery is away.
    const me = await this.#ask().catch(() => null);
    if (at !== this.#logins) return;
    this.#looking = null;
    if (me) this.#found(me);
  }

  /** Logs in, and resolves to who is there now. */
  async comeIn(login: () => Promise<Me>): Promise<Me> {
    this.#logins++;
    this.#looking = null;
    this.#coming = login();
    try {
      return await this.#coming;
    } finally {
      this.#coming = null;
    }
  }
}
