// The page /lesson: the same picture sent in three ways, from one browser to another.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { FAKE_CAMERA, launch } from '../harness/chromium.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const WAYS = ['json', 'jpeg', 'newest'];

let browser;
let vitrina;

before(async () => {
  browser = await launch(FAKE_CAMERA);
  vitrina = await Vitrina.start(['class', '--http', '0', '--tcp', '0'], { set: ['node.test_card.show="never"'] });
});

after(async () => {
  await browser?.close();
  await vitrina?.stop();
});

/** A pupil with the page in a language, and what she reads and sees there. */
async function enter(t, locale) {
  const context = await browser.newContext({ locale, permissions: ['camera'] });
  t.after(() => context.close());
  const page = await context.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(error.message));
  t.after(() => assert.deepEqual(page.errors, []));
  await page.goto(new URL('lesson', vitrina.class.http).href);
  page.figure = async (way, what) => {
    const text = await page.textContent(`[data-way=${way}] [data-what=${what}]`);
    return parseFloat(text.replace(/[ ,](?=\d{3})/g, ''));
  };
  page.set = (id, value) => page.evaluate(([id, value]) => {
    const it = document.getElementById(id);
    it.value = value;
    it.dispatchEvent(new Event('input'));
  }, [id, `${value}`]);
  /** The middle of each picture: red, green, blue. */
  page.seen = () => page.evaluate((ways) => ways.map((way) => {
    const canvas = document.querySelector(`[data-way=${way}] canvas`);
    return [...canvas.getContext('2d').getImageData(4, 4, 1, 1).data].slice(0, 3);
  }), WAYS);
  return page;
}

test('the same picture comes in three ways, as many bytes lighter, and only with credits it stays young', async (t) => {
  const [ana, beto] = [await enter(t, 'es-ES'), await enter(t, 'en-GB')];
  assert.deepEqual([await ana.getAttribute('html', 'lang'), await beto.getAttribute('html', 'lang')], ['es', 'en']);
  await ana.getByRole('button', { name: 'Enviar' }).click();
  await until('all three came', async () => Promise.all(WAYS.map((way) => beto.figure(way, 'frames'))).then((frames) => frames.every((n) => n > 0)));
  // The fake camera's ground is green.
  for (const [red, green, blue] of await beto.seen()) assert.ok(green > red + 30 && green > blue + 30, `${red} ${green} ${blue}`);
  const [json, jpeg, newest] = await Promise.all(WAYS.map((way) => beto.figure(way, 'size')));
  assert.ok(json > 20 * jpeg && Math.abs(jpeg - newest) < jpeg, `${json} ${jpeg} ${newest}`);

  // Who draws slowly sees what is old, unless it says when it wants another.
  await beto.set('slow', 400);
  await until('what waits grows old', async () => {
    const [json, jpeg, newest] = await Promise.all(WAYS.map((way) => beto.figure(way, 'age')));
    return Math.min(json, jpeg) > 2 * newest + 500;
  }, { limit: 30_000 });
  assert.ok((await beto.figure('jpeg', 'waits')) > 2 * (await beto.figure('newest', 'waits')));

  // The turn goes to who pressed last.
  await beto.set('slow', 0);
  await beto.getByRole('button', { name: 'Send' }).click();
  await ana.getByText('Ahora envía otro navegador.').waitFor();
  await until('she sees him', async () => (await ana.figure('newest', 'age')) >= 0);
  assert.match(await beto.textContent('#state'), /^This browser sends/);

  // Who stops and goes on before the next picture was due sends each once.
  const loops = await beto.evaluate(async () => {
    const pass = (ms) => new Promise((done) => setTimeout(done, ms));
    window.send = async () => {};
    // Until it is in the pause between two pictures, of 100 ms.
    await pass(500);
    let count = 0;
    window.send = () => new Promise(() => (count += 1));
    document.getElementById('send').click();
    document.getElementById('send').click();
    while (count === 0) await pass(10);
    await pass(200);
    return count;
  });
  assert.equal(loops, 1);
});
