// Many people at once, each on a WebSocket of their own.

import { setTimeout as pause } from 'node:timers/promises';

import { until } from './until.mjs';
import { Viewer } from './viewer.mjs';

/** How many addresses they come from, because the gallery counts by address. */
const ADDRESSES = 250;

/** How many connect at the same time. */
const AT_ONCE = 50;

class Person extends Viewer {
  /** What they heard. */
  heard = new Set();
  held = [];

  hear(message) {
    if (message.type === 'you') this.you = message;
    if (message.type === 'held') this.held.push(message.why);
    if (message.type !== 'talk') return;
    for (const { what, text } of message.lines) if (what === 'said') this.heard.add(text);
  }
}

export class Crowd {
  #wall;
  #count = 0;
  #round = 0;
  people = [];

  /** Makes `count` people join. */
  static async join(wall, count) {
    const crowd = new Crowd();
    crowd.#wall = wall;
    while (crowd.people.length < count) {
      const next = Math.min(AT_ONCE, count - crowd.people.length);
      await Promise.all(Array.from({ length: next }, () => crowd.#enter()));
    }
    return crowd;
  }

  async #enter() {
    const number = this.#count++;
    const from = `127.0.1.${1 + (number % ADDRESSES)}`;
    const person = await Person.connect(this.#wall, { from });
    person.say({ type: 'join', name: `Person ${number}` });
    await until(`person ${number} joined`, () => person.you, { limit: 30_000 });
    this.people.push(person);
  }

  /** Each sends a message and receives those of all. Returns how many ms that took. */
  async allHearAll() {
    const began = performance.now();
    const round = ++this.#round;
    const texts = this.people.map((_, n) => `round ${round}: ${n}`);
    this.people.forEach((person, n) => person.say({ type: 'say', text: texts[n] }));
    const heardAll = (person) => texts.every((text) => person.heard.has(text));
    await until('all heard all', () => this.people.every(heardAll), { limit: 60_000 });
    return performance.now() - began;
  }

  /** Makes `perSecond` people come or leave each second. Returns the longest time of a message meanwhile, in ms. */
  async churn(perSecond, seconds) {
    const [speaker, listener] = this.people;
    const coming = [];
    let slowest = 0;
    for (let n = 0; n < perSecond * seconds; n++) {
      const began = performance.now();
      if (n % 2) coming.push(this.#enter());
      else this.people.splice(2, 1)[0].close();
      if (n % (2 * perSecond) === 0) {
        const text = `word ${n}`;
        speaker.say({ type: 'say', text });
        await until(`"${text}" was heard`, () => listener.heard.has(text), { limit: 30_000, every: 5 });
        slowest = Math.max(slowest, performance.now() - began);
      }
      await pause(Math.max(0, 1000 / perSecond - (performance.now() - began)));
    }
    await Promise.all(coming);
    return slowest;
  }

  close() {
    for (const person of this.people) person.close();
  }
}
