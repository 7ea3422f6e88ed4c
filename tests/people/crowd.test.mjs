// A crowd joins, talks, comes and goes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Crowd } from '../harness/crowd.mjs';
import { until } from '../harness/until.mjs';
import { Vitrina } from '../harness/vitrina.mjs';

test('each of fifty people hears what each says, while others come and leave', async (t) => {
  const vitrina = await Vitrina.start([], { set: ['node.test_card.show="never"'] });
  t.after(() => vitrina.stop());
  const crowd = await Crowd.join(vitrina.wall, 50);
  t.after(() => crowd.close());
  const here = async () => (await (await fetch(`${vitrina.wall}api/people`)).json()).length;
  assert.equal(await here(), 50);
  await crowd.allHearAll();
  await crowd.churn(50, 3);
  assert.deepEqual(crowd.people.flatMap(({ held }) => held), []);
  await until('who left is gone', async () => (await here()) === crowd.people.length);
  await crowd.allHearAll();
});
