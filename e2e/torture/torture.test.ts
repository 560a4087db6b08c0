/** A few rounds of the crash test; `npm run torture` makes many. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { torture } from './torture.ts';

test('what was acknowledged survives kill -9', async (context) => {
  const seed = Date.now() % 2 ** 31;
  context.diagnostic(`seed ${seed}`);
  const { problems, acknowledged } = await torture({ rounds: 5, seed, clients: 8, say: () => {} });
  assert.deepEqual(problems, []);
  assert.ok(acknowledged > 0);
});
