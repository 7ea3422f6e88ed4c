// Full, half, quarter and preview of a native camera, from MJPEG and from raw frames.

import { test } from 'node:test';
import { strict as assert } from 'node:assert';

import { accounted } from '../harness/frames.mjs';
import { size, unstamp } from '../harness/jpeg.mjs';
import { Subscriber, wanted } from '../harness/mosquitto.mjs';
import { Cameras } from '../harness/preload.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

const CAMERA = 'here/rig-test-camera-rig0000';
const LIVE = ['full', 'half', 'quarter'];

for (const [format, width, height, preview] of [
  ['MJPG', 1280, 720, '640x360'],
  ['MJPG', 1920, 1080, '480x270'],
  ['YUYV', 1280, 720, '640x360'],
  ['YUYV', 1920, 1080, '640x360'],
  ['NV12', 640, 480, '640x480'],
]) {
  test(`${format} at ${width}x${height}: each size only while it is wanted`, async (t) => {
    const camera = `node.camera=[{name="rig-test-camera-rig0000", width=${width}, height=${height}, format="${format}"}]`;
    const vitrina = await Vitrina.start([], { set: ['node.name=here', camera], env: new Cameras(1).env });
    const facts = new Subscriber(vitrina.port, ['vitrina/#']);
    const pictures = new Subscriber(vitrina.port, [`vitrina-jpeg/${CAMERA}/#`]);
    t.after(async () => {
      await Promise.all([facts.stop(), pictures.stop()]);
      await vitrina.stop();
    });
    const of = (name) => pictures.messages.filter(({ topic }) => topic.endsWith(`/${name}`));
    const newest = async (name) => {
      const have = of(name).length;
      await until(`a picture in ${name}`, () => of(name).length > have);
      return of(name).at(-1).payload;
    };
    const state = await facts.fact(`vitrina/${CAMERA}/state`, ({ state }) => state === 'idle');
    assert.deepEqual([state.format, state.size, state.sizes], [format, `${width}x${height}`, LIVE]);
    assert.equal(size(await newest('preview')), preview);
    assert.equal(pictures.messages.length, of('preview').length, 'nothing else is made');

    let want = wanted(vitrina.port, CAMERA, { half: 5, quarter: 10 });
    assert.equal(size(await newest('live/half')), `${width / 2}x${height / 2}`);
    assert.equal(size(await newest('live/quarter')), `${width / 4}x${height / 4}`);
    assert.equal(of('live/full').length, 0, 'nobody wants it');
    want.stop();

    want = wanted(vitrina.port, CAMERA, { full: 5 });
    assert.equal(size(await newest('live/full')), `${width}x${height}`);
    // They say of which frame they are, so two sizes of one frame are known as such.
    assert.match(unstamp(await newest('live/full')).stamp.seq, /^\d+$/);
    want.stop();
    await facts.fact(`vitrina/${CAMERA}/state`, ({ state }) => state === 'idle', { limit: 20_000 });
    const have = facts.messages.length;
    const stats = () => facts.messages.slice(have).find(({ topic }) => topic === 'vitrina/here/stats');
    await until('stats', stats, { limit: 15_000 });
    const figures = JSON.parse(stats().payload).cameras['rig-test-camera-rig0000'];
    accounted(figures);
    assert.ok(figures.published > 0);
  });
}
