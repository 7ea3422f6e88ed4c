// Photos that were brought to a gallery.

import { strict as assert } from 'node:assert';

/** Brings `count` small pictures, which are others than those before by their number from `first` on; gives their ids. */
export async function brought({ wall }, browser, count, first = 0) {
  const page = await browser.newPage();
  const pictures = await page.evaluate(([first, count]) => Array.from({ length: count }, (_, i) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
    const context = canvas.getContext('2d');
    context.fillStyle = `hsl(${(first + i) * 47} 60% 60%)`;
    context.fillRect(0, 0, 320, 240);
    context.font = '80px sans-serif';
    context.strokeText(`${first + i}`, 100, 150);
    return canvas.toDataURL('image/jpeg').split(',')[1];
  }), [first, count]);
  await page.close();
  const ids = [];
  for (const [i, picture] of pictures.entries()) {
    const form = new FormData();
    form.set('image', new Blob([Buffer.from(picture, 'base64')], { type: 'image/jpeg' }), `${first + i}.jpg`);
    const answer = await fetch(new URL('upload', wall), { method: 'POST', body: form });
    const said = await answer.json();
    assert.equal(answer.status, 201, JSON.stringify(said));
    ids.push(said[0].id);
  }
  return ids;
}
