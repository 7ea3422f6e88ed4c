// The comments in a picture: our stamp, and the test camera's own.

import { strict as assert } from 'node:assert';

const COM = 0xfe;
const SOS = 0xda;

/** The segments before the first scan: `{marker, start, end, data}`. */
export function* segments(jpeg) {
  assert.equal(jpeg.readUInt16BE(0), 0xffd8, 'a JPEG begins with FF D8');
  for (let at = 2; ; ) {
    assert.equal(jpeg[at], 0xff, `a marker at ${at}`);
    const marker = jpeg[at + 1];
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    yield { marker, start: at, end, data: jpeg.subarray(at + 4, end) };
    if (marker === SOS) return;
    at = end;
  }
}

/** The stamp's fields as text and the picture without it. */
export function unstamp(jpeg) {
  const { fields, segment } = comment(jpeg, 'vitrina ');
  return { stamp: fields, bare: Buffer.concat([jpeg.subarray(0, segment.start), jpeg.subarray(segment.end)]) };
}

/** The test camera's comment (`serial`, `seq`, `mono_ns`) and the picture without it. */
export function uncomment(jpeg) {
  const { fields, segment } = comment(jpeg, 'uvccam ');
  return { made: fields, bare: Buffer.concat([jpeg.subarray(0, segment.start), jpeg.subarray(segment.end)]) };
}

/** Width and height, as `1280x720`. */
export function size(jpeg) {
  const frame = [...segments(jpeg)].find(({ marker }) => marker === 0xc0);
  return `${frame.data.readUInt16BE(3)}x${frame.data.readUInt16BE(1)}`;
}

function comment(jpeg, word) {
  const is = (s) => s.marker === COM && s.data.subarray(0, word.length).toString('latin1') === word;
  const found = [...segments(jpeg)].filter(is);
  assert.equal(found.length, 1, `one comment '${word}'`);
  const text = found[0].data.toString('latin1').slice(word.length);
  return { segment: found[0], fields: Object.fromEntries(text.split(' ').map((pair) => pair.split('='))) };
}
