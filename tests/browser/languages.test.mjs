// The page on a phone in each of its languages: nothing of another language is left, nothing is cut off.

import { after, before, test } from 'node:test';
import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { newPage } from '../harness/page.mjs';
import { Tour } from '../harness/tour.mjs';
import { until } from '../harness/until.mjs';

const LANGUAGES = ['de', 'en', 'es', 'fr', 'it', 'pt'];
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: 'reduce' };

/** Set it to a folder to look at every place in German. */
const { SHOTS } = process.env;

let tour;
let browser;

before(async () => {
  tour = await Tour.start();
  browser = await launch(FAKE_CAMERA);
});

after(async () => {
  await browser?.close();
  await tour?.stop();
});

/** Every text that can be seen or heard, by where it stands. */
const READ = `(() => {
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let at = walk.nextNode(); at; at = walk.nextNode()) {
    if (at.nodeType === Node.TEXT_NODE) {
      // What was told stands as it was told. A name in which a word was found is one text.
      const name = at.parentElement.closest(':has(> mark)');
      if (!at.parentElement.closest('option, script, [role=status], .toast')) texts.push(name ? name.textContent : at.data);
    } else for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
      if (at.hasAttribute(name)) texts.push(at.getAttribute(name));
    }
  }
  return texts.map((text) => text.trim()).filter((text) => /[a-z]{2}/i.test(text));
})()`;

/** Words and buttons that are cut off or reach out of the window. */
const CUT = `[...document.querySelectorAll('.bar :is(a, button, .word, .here), .pill, .word, .sentence button, .views a, .reach button, .floor *, .scrub *, .slideshow .top *, dialog, dialog *, .toast, .toast *, .lost-line, .lost-line *, .hollow *, .why, .why *')]
  .filter((at) => {
    if (!at.checkVisibility() || at.closest('.sr, svg, select') || at.matches('select, .sr') || getComputedStyle(at).clipPath !== 'none') return false;
    const { left, right, width } = at.getBoundingClientRect();
    const wide = at.clientWidth > 0 && at.scrollWidth > at.clientWidth + 1 && getComputedStyle(at).overflowX !== 'visible';
    return width > 1 && (left < -1 || right > innerWidth + 1 || wide);
  })
  .map((at) => at.tagName + '.' + at.className + ' ' + (at.innerText ?? ''))`;

async function speak(page, language) {
  await page.evaluate((language) => {
    const select = document.querySelector('.lang select');
    select.value = language;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  }, language);
  await until(`it speaks ${language}`, () => page.evaluate((language) => document.documentElement.lang === language, language));
}

/** Names, what was said, and words that are written alike. */
const OWN = /^(Vitrina|Ana|A|bird-bath|north-door|roof|stage|house|empty|Rig Test Camera|broken\.jpg|vitrina cameras|vitrina --open|open = true|JPEG|Exif|EXIF|The heron is back|and there is|#?camera\/.*|[A-Z]{2}|[\d.,: \u202f\u00a0×/]*(s|ms|min|kB|MB|B)?|bird-bath, [\d:]+)$/;
const ALIKE = {
  de: ['live', ...['bird-bath', 'north-door', 'roof', 'stage'].map((name) => `${name}: live`), 'Broker', 'Countdown', 'Zoom', 'Enter', 'Esc', 'Ctrl'],
  es: ['Zoom', 'Esc', 'Ctrl', 'Photo'],
  fr: ['1 photo', 'Stop', 'Photo', 'Photos', 'photo', 'Broker', 'Capture', 'Zoom', 'Ctrl'],
  it: ['Broker', 'File', 'Zoom', 'Esc', 'Ctrl'],
  pt: ['Broker', 'Zoom', 'Enter', 'Esc', 'Ctrl', 'Home', 'End', 'Page ↑', 'Page ↓', 'Del', 'Shift'],
};

test('in every room and state each language has words of its own, and room for them', async (t) => {
  const context = await browser.newContext({ ...PHONE, locale: 'de-DE' });
  t.after(() => context.close());
  const page = await newPage(context);
  const left = [];
  const cut = [];
  await tour.lead(page, async (place) => {
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: `${SHOTS}/${place}.png` });
    }
    await speak(page, 'en');
    const english = new Set(await page.evaluate(READ));
    for (const language of LANGUAGES) {
      await speak(page, language);
      for (const what of await page.evaluate(CUT)) cut.push(`${language} ${place}: ${what}`);
      if (language === 'en') continue;
      for (const text of new Set(await page.evaluate(READ))) {
        if (english.has(text) && !OWN.test(text) && !ALIKE[language].includes(text)) left.push(`${language} ${place}: ${text}`);
      }
    }
    await speak(page, 'de');
  });
  assert.deepEqual([...new Set(left)], []);
  assert.deepEqual([...new Set(cut)], []);
  assert.deepEqual(page.errors, []);
});
