// The projector's page: shows what passes, as the class tells it a few times a second, and lets the teacher switch.
'use strict';

const $ = (id) => document.getElementById(id);
const element = (name, { className = '', text, ...attributes } = {}, ...children) => {
  const made = document.createElement(name);
  made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...(text === undefined ? [] : [text]), ...children);
  return made;
};

for (const place of document.querySelectorAll('[data-word]')) place.textContent = WORDS[place.dataset.word];
document.title = WORDS.here(0);

/** A mistake is shown for this long. */
const SHOWN = 5 * 60_000;
/** Longer waits are late. */
const LATE = 1000;
const RATES = [16_000, 64_000, 256_000, 1_000_000];
const DELAYS = [0, 300, 1000];

let switches = null;
let may = false;

// ---- what passes

const SVG = 'http://www.w3.org/2000/svg';
function bars(history) {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 90 20', preserveAspectRatio: 'none', 'aria-hidden': 'true' })) svg.setAttribute(key, value);
  const most = Math.max(1000, ...history);
  history.forEach((bytes, at) => {
    const bar = document.createElementNS(SVG, 'rect');
    const height = Math.max(0.6, (20 * bytes) / most);
    for (const [key, value] of Object.entries({ x: at * 3, y: 20 - height, width: 2, height })) bar.setAttribute(key, value);
    svg.append(bar);
  });
  return svg;
}

function way({ way, count, names, messages, bytes, history }) {
  const few = count <= names.length ? names : names.slice(0, 2);
  return element('section', { 'data-way': way },
    element('h2', {}, element('b', { text: number(count) }), WORDS.ways[way]),
    bars(history),
    element('p', { text: way === 'page' ? WORDS.pictures(messages) : WORDS.messages(messages) }),
    element('p', { text: `${size(bytes)}/s` }),
    element('p', { className: 'whos', text: WORDS.more(few, count - few.length) }));
}

/** A bar as long as a wait. */
function bar(ms) {
  const made = element('i', { className: 'bar' });
  made.style.setProperty('--w', Math.min(8, 0.13 * Math.sqrt(ms)).toFixed(2));
  return made;
}

function waited({ at, waited, waiting, replaced, to }, now) {
  if (replaced > 0) return element('td', { className: 'gone', text: WORDS.replaced(replaced) });
  if (to === 0) return element('td');
  const late = waiting > 0 && now - at > LATE ? ` · ${WORDS.waiting(waiting)}` : '';
  if (waited === null) return element('td', { className: 'gone', text: late.slice(3) });
  if (waited < LATE) return element('td', {}, bar(waited), time(waited) + late);
  return element('td', { className: 'late' }, element('i', { className: 'lamp stale' }), bar(waited), time(waited) + late);
}

const clock = new Intl.DateTimeFormat(LANG, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 1, hour12: false });
function row(going, now) {
  const { at, way, kind, detail, bytes, from, to, replaced } = going;
  return element('tr', {},
    element('td', { className: 'tick', text: clock.format(at) }),
    element('td', { text: WORDS.ways[way] }),
    element('td', { className: 'kind', text: WORDS.kinds[kind](detail) }),
    element('td', { className: 'r', text: size(bytes) }),
    element('td', { text: from }),
    element('td', { text: WORDS.goesTo(to - replaced) }),
    waited(going, now));
}

function queue({ name, keeps, all, newest }) {
  const lane = (title, pile) => {
    const words = element('span', { className: pile.age > LATE ? 'late' : '' }, bar(pile.age), WORDS.piled(pile));
    return element('div', {}, element('small', { text: title }), words);
  };
  const lanes = keeps ? [lane(WORDS.keeps, all), lane(WORDS.newest, newest)] : [lane(WORDS.newest, all)];
  return element('li', {}, element('b', { text: name }), ...lanes);
}

/** The newest mistake in one line, and the others behind it. */
function trouble(mistakes, now) {
  const sentence = (mistake) => WORDS.mistakes[mistake.what](mistake.who, mistake, WORDS.ways[mistake.way]) + WORDS.times(mistake.count);
  const [newest = null, ...others] = mistakes.filter(({ at }) => now - at < SHOWN).map(sentence);
  tell(newest, 'error');
  $('more').hidden = others.length === 0;
  $('more').textContent = WORDS.others(others.length);
  $('others').hidden = others.length === 0 || $('more').getAttribute('aria-expanded') === 'false';
  $('others').replaceChildren(...others.map((text) => element('li', { text })));
}
$('more').onclick = () => {
  const opens = $('more').getAttribute('aria-expanded') === 'false';
  $('more').setAttribute('aria-expanded', opens);
  $('others').hidden = !opens;
  fit();
};

/** Says something in the one line of trouble, without saying it again. */
function tell(words, lamp) {
  const line = $('trouble');
  line.hidden = words === null;
  if (words !== null && line.textContent !== words) line.replaceChildren(element('i', { className: `lamp ${lamp}` }), element('span', { text: words }));
}

function show({ at, ways, last, mistakes, people, queues, switches: now }) {
  const count = ways.reduce((sum, { count }) => sum + count, 0);
  document.title = $('here').textContent = WORDS.here(count);
  $('ways').replaceChildren(...ways.map(way));
  $('flow').replaceChildren(...last.map((going) => row(going, at)));
  $('queues').hidden = queues.length === 0;
  $('queues').replaceChildren(...queues.map(queue));
  trouble(mistakes, at);
  switches = now;
  levers(people);
  fit();
}

/** Rows that do not fit are left out, not cut. On a phone all of them fit. */
function fit() {
  const room = $('flow').closest('.flow');
  if (getComputedStyle(room).overflowY === 'visible') return;
  const end = room.getBoundingClientRect().bottom;
  const rows = [...$('flow').children];
  const out = rows.filter((row) => row.getBoundingClientRect().bottom > end);
  out.forEach((row) => row.remove());
}

// ---- the switches

/** The buttons of a group, of which those stay that were there: a click must not miss one that is made anew. */
function buttons(group, role, wanted) {
  const known = new Map([...group.children].map((button) => [button.dataset.value, button]));
  const all = wanted.map(({ value, text, checked, press }) => {
    const button = known.get(`${value}`) ?? element('button', { role, 'data-value': value });
    if (button.textContent !== text) button.textContent = text;
    button.setAttribute('aria-checked', checked);
    button.disabled = !may;
    button.onclick = press;
    return button;
  });
  if (all.length !== group.children.length || all.some((button, at) => group.children[at] !== button)) group.replaceChildren(...all);
}

let shown = [];
function levers(people = shown) {
  shown = people;
  const { paused, slow, rate, delay, keeps, chosen } = switches;
  const [newest, everything] = $('keeps').children;
  for (const [button, checked] of [[$('paused'), paused], [$('slow'), slow], [newest, !keeps], [everything, keeps]]) {
    button.setAttribute('aria-checked', checked);
    button.disabled = !may;
  }
  const name = (label) => people.find((person) => person.label === label)?.name ?? label;
  const names = chosen.slice(0, 3).map(name);
  const whose = chosen.length > 3 ? WORDS.more(names, chosen.length - 3) : WORDS.and(names);
  $('whom').textContent = chosen.length > 0 ? `${whose}: ${WORDS.later(rate, delay)}` : may ? WORDS.whom : '';
  $('whom').disabled = !may;
  $('looks').hidden = may;
  // Who is chosen stays there to be let go, also after they left.
  const gone = chosen.filter((label) => !people.some((person) => person.label === label)).map((label) => ({ label, name: label }));
  buttons($('people'), 'checkbox', [...people, ...gone].map(({ label, name, way }) => ({
    value: label,
    text: way ? `${name}, ${WORDS.ways[way]}` : name,
    checked: chosen.includes(label),
    press: () => set({ chosen: chosen.includes(label) ? chosen.filter((other) => other !== label) : [...chosen, label] }),
  })));
  buttons($('rates'), 'radio', RATES.map((value) => ({ value, text: `${size(value)}/s`, checked: value === rate, press: () => set({ rate: value }) })));
  buttons($('delays'), 'radio', DELAYS.map((value) => ({ value, text: value ? `+${time(value)}` : '+0 ms', checked: value === delay, press: () => set({ delay: value }) })));
}

for (const [id, word] of [['people', 'people'], ['rates', 'rate'], ['delays', 'delay'], ['keeps', 'newest']]) $(id).setAttribute('aria-label', WORDS[word]);

function choose(opens = $('chooser').hidden) {
  $('chooser').hidden = !opens;
  $('whom').setAttribute('aria-expanded', opens);
}

const word = () => history.state?.word;
const ask = (what) => fetch('/class/switch', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ word: word(), ...what }) });

async function set(change) {
  switches = { ...switches, ...change };
  levers();
  const answer = await ask({ switches }).catch(() => null);
  if (answer?.status === 403) allow(false);
}

$('paused').onclick = () => set({ paused: !switches.paused });
$('slow').onclick = () => {
  if (!switches.slow && switches.chosen.length === 0) choose(true);
  set({ slow: !switches.slow });
};
$('whom').onclick = () => choose();
[...$('keeps').children].forEach((button, keeps) => (button.onclick = () => set({ keeps: keeps === 1 })));

function allow(is) {
  may = is;
  if (!may) choose(false);
  if (switches) levers();
}

/** The word comes behind the address, and goes from there into this entry of the history: it must not hang on the wall, and no page reads it that has not opened this one. */
function take() {
  if (location.hash.length > 1) history.replaceState({ word: location.hash.slice(1) }, '', location.pathname);
}

async function prove() {
  if (!word()) return allow(false);
  const answer = await ask({}).catch(() => null);
  allow(answer?.ok ?? false);
}
take();
addEventListener('hashchange', () => {
  take();
  prove();
});

// ---- the connection

function listen() {
  const live = new EventSource('/class/live');
  live.onopen = prove;
  live.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    if (told.ways) show(told);
  };
  live.onerror = () => {
    tell(WORDS.lost, 'stale');
    // It tries again by itself, unless it was refused.
    if (live.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}
listen();
