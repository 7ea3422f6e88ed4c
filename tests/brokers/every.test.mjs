// Real brokers of others, all that can be had, through everything.

import { strict as assert } from 'node:assert';
import { before } from 'node:test';

import { hindrance } from '../harness/rabbitmq.mjs';
import { MOSQUITTO, OTHERS } from './kinds.mjs';
import { scenario } from './scenario.mjs';

before(async () => assert.equal(await hindrance(), undefined));

for (const kind of [...MOSQUITTO, ...OTHERS]) scenario(kind);
