import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Place, Queue } from './queue.ts';

test('behaves as an array does, whichever entry leaves and from wherever', () => {
  const step = fc.record({ kind: fc.constantFrom('push', 'unshift', 'shift', 'remove'), at: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new Queue<number>();
      const places: Place<number>[] = [];
      let expected: number[] = [];
      for (const { kind, at } of steps) {
        const entry = places.length;
        if (kind === 'push') {
          places.push(queue.push(entry));
          expected.push(entry);
        } else if (kind === 'unshift') {
          places.push(queue.unshift(entry));
          expected.unshift(entry);
        } else if (kind === 'shift') assert.equal(queue.shift(), expected.shift());
        else {
          // One that has left already is among them.
          const place = places[at];
          if (place !== undefined) queue.remove(place);
          expected = expected.filter((other) => other !== at);
        }
        assert.equal(queue.length, expected.length);
      }
      assert.deepEqual(
        expected.map(() => queue.shift()),
        expected,
      );
      assert.equal(queue.shift(), undefined);
    }),
  );
});
