// Fingers on a page, by Chromium's own protocol: Playwright only taps.

const STEPS = 8;

export class Fingers {
  #session;

  /** @param {import('playwright-core').Page} page of a context that `hasTouch` */
  static async on(page) {
    const fingers = new Fingers();
    fingers.page = page;
    fingers.#session = await page.context().newCDPSession(page);
    return fingers;
  }

  /** Taps the middle of what is there. */
  async tap(locator) {
    await locator.waitFor();
    const { x, y } = await middle(locator);
    // At once: what lies longer on a busy page is a long press.
    await Promise.all([this.#touch('touchStart', [{ x, y }]), this.#touch('touchEnd', [])]);
  }

  /** Moves one finger over it, by pixels. */
  async swipe(locator, dx, dy) {
    const { x, y } = await middle(locator);
    await this.#move((part) => [{ x: x + dx * (part - 0.5), y: y + dy * (part - 0.5) }]);
  }

  /** Presses it until `held`, then carries what that lifts to a point, or nowhere, and lets go. */
  async carry(locator, to, held) {
    const from = await middle(locator);
    await this.#touch('touchStart', [from]);
    await held();
    for (let step = 1; to && step <= STEPS; step++) {
      const part = step / STEPS;
      await this.#touch('touchMove', [{ x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part }]);
    }
    await this.#touch('touchEnd', []);
  }

  /** Moves two fingers on it from one distance to another, in pixels. */
  async pinch(locator, from, to) {
    const { x, y } = await middle(locator);
    await this.#move((part) => {
      const half = (from + (to - from) * part) / 2;
      return [{ x: x - half, y, id: 0 }, { x: x + half, y, id: 1 }];
    });
  }

  async #move(places) {
    await this.#touch('touchStart', places(0));
    for (let step = 1; step <= STEPS; step++) await this.#touch('touchMove', places(step / STEPS));
    await this.#touch('touchEnd', []);
  }

  #touch(type, touchPoints) {
    return this.#session.send('Input.dispatchTouchEvent', { type, touchPoints });
  }
}

async function middle(locator) {
  const { x, y, width, height } = await locator.boundingBox();
  return { x: x + width / 2, y: y + height / 2 };
}
