/** Intents without an outcome: the same answers as a Map, whatever comes and goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type OpenIntent, OpenIntents } from './open-intents.ts';

function intent(seq: number): OpenIntent {
  return { seq, subject: 'user:dana', server: 'files', method: 'tools/call', tier: 'read' };
}

test('open intents are found, given up and listed as a Map of them would', () => {
  // Ids with one character each side of many equal ones share buckets now and then; two of these always do.
  const id = fc.constantFrom('Aa', 'BB', 'AaAa', 'BBBB', 'AaBB', 'x', 'y', '');
  const step = fc.tuple(fc.constantFrom('add', 'delete', 'shift'), id);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ours = new OpenIntents([['first', intent(0)]]);
      const model = new Map([['first', intent(0)]]);
      for (const [index, [what, which]] of steps.entries()) {
        if (what === 'add') {
          ours.add(which, intent(index));
          model.delete(which);
          model.set(which, intent(index));
        } else if (what === 'delete') {
          ours.delete(which);
          model.delete(which);
        } else {
          const [oldest] = model;
          assert.deepEqual(ours.shift(), oldest);
          if (oldest !== undefined) model.delete(oldest[0]);
        }
        assert.deepEqual([...ours], [...model]);
        assert.equal(ours.size, model.size);
        assert.deepEqual(ours.get(which), model.get(which));
      }
    }),
  );
});
