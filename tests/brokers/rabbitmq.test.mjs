// What RabbitMQ does not take is told in words where people look. It ends the connection for it.

import { strict as assert } from 'node:assert';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { camera, gallery, look, node, pictures, reason, snap, stored } from '../harness/house.mjs';
import { empty, rabbitmq, root } from '../harness/rabbitmq.mjs';
import { folder } from '../harness/scratch.mjs';
import { until } from '../harness/until.mjs';

/** All that a node says, but for live frames; RabbitMQ writes topics with dots. */
const WITHOUT_LIVE = '^vitrina\\.pi\\.|^vitrina-jpeg\\.pi\\.[^.]+\\.(preview|snapshot)$';
/** All but its own facts. */
const WITHOUT_FACTS = '^vitrina-jpeg\\.';

/**
 * A RabbitMQ with the users `pi` and `gallery`, the first of whom may publish what `topics` says.
 * Gives what starts parts on it.
 */
async function guarded(t, suite, topics, lines = []) {
  const at = await root(suite);
  empty(at);
  const broker = await rabbitmq(at, lines);
  const parts = [];
  t.after(async () => {
    await Promise.all(parts.map((part) => part.stop()));
    await broker.kill();
  });
  for (const user of ['pi', 'gallery']) {
    await broker.control('add_user', user, 'secret');
    await broker.control('set_permissions', user, '.*', '.*', '.*');
  }
  await broker.control('set_topic_permissions', 'pi', 'amq.topic', topics, '.*');
  const password = join(folder('password'), 'password');
  writeFileSync(password, 'secret');
  const house = { url: (user) => `mqtt://${user}@127.0.0.1:${broker.port}`, settings: [`password_file=${password}`] };
  /** Starts these; they are ended with the test. */
  const start = async (...what) => {
    for (const it of what) parts.push(await it(house));
    return parts;
  };
  return start;
}

/** How often a node's connection for pictures was lost. */
const losses = (pi) => pi.stderr.split('WARN pictures connection').length - 1;

for (const [suite, name] of [['bookworm', 'RabbitMQ 3'], ['trixie', 'RabbitMQ 4']]) {
  test(`${name}: a user who may not publish live frames is told, photos and previews go on`, { timeout: 300_000 }, async (t) => {
    const start = await guarded(t, suite, WITHOUT_LIVE);
    const [pi, wall] = await start(node, gallery);
    const id = await camera(wall);
    // By this the node knows that the size cannot be why.
    assert.equal((await snap(wall, id)).status, 201);
    const looking = look(wall, id);
    t.after(looking.stop);
    await reason(wall, /^pi: the broker ends the connection when it is sent a picture on vitrina-jpeg\/pi\/[^/]+\/live\/\w+: allow its user/, 60_000);
    assert.match(pi.stderr, /WARN the broker ends the connection when it is sent a picture/);
    const before = losses(pi);
    assert.equal((await snap(wall, id)).status, 201);
    await pictures(wall, 5);
    assert.equal(losses(pi), before, 'it is held');
    await stored([wall], 2);
  });

  test(`${name}: a photo and a frame above its limit are told`, { timeout: 300_000 }, async (t) => {
    const limit = suite === 'trixie' ? 'mqtt.max_packet_size_authenticated' : 'max_message_size';
    const start = await guarded(t, suite, '.*', [`${limit} = 25000`]);
    const [pi, wall] = await start(node, gallery);
    const id = await camera(wall);
    const looking = look(wall, id);
    t.after(looking.stop);
    await reason(wall, /^pi: the broker takes no packet above \d+ bytes, and a picture has \d+: raise max_packet_size/, 60_000);
    const before = losses(pi);
    await pictures(wall, 5);
    assert.ok(losses(pi) <= before + 1);
  });

  test(`${name}: a node that may not say what it is tells in its log what may be why`, { timeout: 300_000 }, async (t) => {
    const start = await guarded(t, suite, WITHOUT_FACTS);
    const [pi] = await start(node);
    await until('its log says it', () => /text connection to the broker: .*soon after connecting: the broker may end it/.test(pi.stderr), { limit: 30_000 });
  });
}
