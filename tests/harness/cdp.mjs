// A Chromium driven by its own protocol through a pipe.
//
// Playwright keeps every page visible, so a page that is really hidden needs this
// (https://chromedevtools.github.io/devtools-protocol/).

import { Child } from './child.mjs';
import { EXECUTABLE, FLAGS } from './chromium.mjs';
import { folder } from './scratch.mjs';

export class RawChromium {
  #child;
  #answers = new Map();
  #id = 0;
  #rest = '';
  /** The sessions of workers by that of their page. */
  #workers = new Map();

  constructor() {
    const flags = [...FLAGS, '--remote-debugging-pipe', `--user-data-dir=${folder('chromium')}`, 'about:blank'];
    this.#child = new Child(EXECUTABLE, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#child.stdio[3].on('error', () => {});
    this.#child.stdio[4].setEncoding('utf8').on('data', (text) => {
      const messages = (this.#rest + text).split('\0');
      this.#rest = messages.pop();
      for (const message of messages.map((json) => JSON.parse(json))) {
        if (message.method === 'Target.attachedToTarget') this.#workers.get(message.sessionId)?.add(message.params.sessionId);
        if (message.method === 'Target.detachedFromTarget') this.#workers.get(message.sessionId)?.delete(message.params.sessionId);
        this.#answers.get(message.id)?.(message);
        this.#answers.delete(message.id);
      }
    });
  }

  /** Calls a method of the protocol and gives its result. */
  async call(method, params = {}, sessionId = undefined) {
    const id = (this.#id += 1);
    const answer = new Promise((resolve) => this.#answers.set(id, resolve));
    this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Opens a page in a tab of its own, in front of those before it. */
  async open(url) {
    const { targetId } = await this.call('Target.createTarget', { url });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    this.#workers.set(sessionId, new Set());
    await this.call('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, sessionId);
    return {
      /** Brings its tab to the front; the others are hidden then. */
      show: () => this.call('Target.activateTarget', { targetId }),
      /** Leads it to another address, as a link does. */
      go: (url) => this.call('Page.navigate', { url }, sessionId),
      /** Leads it back, as the browser's button does. */
      back: async () => {
        const { currentIndex, entries } = await this.call('Page.getNavigationHistory', {}, sessionId);
        await this.call('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1].id }, sessionId);
      },
      /** The value of a JavaScript expression in it. */
      evaluate: async (expression) => {
        const params = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await this.call('Runtime.evaluate', params, sessionId);
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
      },
      /** What it holds once its garbage is collected: `{heap, nodes, listeners}`, the heap in bytes with its workers'. */
      holds: async () => {
        let heap = 0;
        for (const session of [sessionId, ...this.#workers.get(sessionId)]) {
          await this.call('HeapProfiler.collectGarbage', {}, session);
          heap += (await this.call('Runtime.getHeapUsage', {}, session)).usedSize;
        }
        const { nodes, jsEventListeners: listeners } = await this.call('Memory.getDOMCounters', {}, sessionId);
        return { heap, nodes, listeners };
      },
    };
  }

  /** Ends the browser. */
  stop() {
    return this.#child.stop();
  }
}
