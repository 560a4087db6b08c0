/** What a task says of the end of its call: a client repeats a call of which it is said that it was not made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Refusal } from '../../pipeline/refusal.ts';
import { ended } from './task-end.ts';

const detail = '';
const unknown: readonly Refusal[] = [
  { reason: 'call-unfinished', server: 's', how: 'unavailable', repeatable: false, detail },
  { reason: 'content-withheld', server: 's', detail },
  { reason: 'result-too-large', limit: 1 },
  { reason: 'result-unrecorded', answered: true, detail },
  { reason: 'right-ended', cause: 'credential', sent: true, detail },
  { reason: 'too-many-rounds', limit: 1 },
  { reason: 'cancelled' },
  { reason: 'internal', detail },
];
const notMade: readonly Refusal[] = [
  { reason: 'right-ended', cause: 'credential', detail },
  { reason: 'server-unavailable', server: 's', detail },
  { reason: 'denied', detail },
];

for (const [disposition, refusals] of Object.entries({ 'outcome-unknown': unknown, 'denied-not-executed': notMade }))
  for (const refusal of refusals)
    test(`a task whose call ended with ${refusal.reason}${'sent' in refusal ? ', sent' : ''} is ${disposition}`, () => {
      const { outcome } = ended({ kind: 'refused', refusal }, 'reference');
      assert.equal(outcome?.disposition, disposition);
      assert.equal(outcome?.result?.['isError'], true);
    });

test('a task that went on with a call of which its server has a part never says that it was not made', () => {
  for (const refusal of notMade)
    assert.equal(ended({ kind: 'refused', refusal, resumed: true }, 'r').outcome?.disposition, 'outcome-unknown');
});
