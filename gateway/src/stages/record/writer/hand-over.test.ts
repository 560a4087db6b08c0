/** Records in shared memory: they arrive whole and in order, whatever their sizes, and never otherwise than they left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callOf } from '../../../../test/support/audit-log.ts';
import type { Message } from '../record/message.ts';
import { lengthOf, packedAlone, unpack } from '../record/packed.ts';
import { HandedOver, HandingOver, type Posted, type SharedRecords, sharedRecords } from './hand-over.ts';

function pair(): { readonly shared: SharedRecords; readonly from: HandingOver; readonly to: HandedOver } {
  const shared = sharedRecords();
  const posted: Posted[] = [];
  const to: HandedOver = new HandedOver(shared, () => {
    for (const record of posted.splice(0)) to.posted(record);
  });
  return { shared, from: new HandingOver(shared, (record) => posted.push(record)), to };
}

function message(result: string): Message {
  const [, outcome = assert.fail()] = callOf('x', 'dana');
  return { ...outcome, result };
}

/** The results of everything that has been handed over. */
function taken(to: HandedOver): string[] {
  const results: string[] = [];
  for (let packed = to.peek(); packed !== undefined; packed = to.peek()) {
    results.push(unpack(packed).result.toString('utf8'));
    to.take();
  }
  return results;
}

const half = 4 * 1024 * 1024;

test('a record in memory of its own takes no more of it than it needs', () => {
  for (const [one, bytes] of [
    ['x', 1],
    ['€', 3],
    ['\ud800', 3],
  ] as const) {
    const long = message(one.repeat(half / 2));
    const { bytes: taken } = packedAlone(long, 1);
    assert.ok(taken.length < (bytes * half) / 2 + 4 * (lengthOf(long) - half / 2), `${taken.length} of ${one}`);
    const { result } = unpack({ packing: packedAlone(long, 1), at: 0, size: taken.length, isElsewhere: false });
    assert.equal(result.toString('utf8'), one.toWellFormed().repeat(half / 2));
  }
});

test('records of all sizes arrive in their order', () => {
  // Some fill a half, some fit in none: a character counts for three bytes until it is written.
  const size = fc.oneof(fc.nat(100), fc.nat(20_000), fc.constantFrom(half / 9, half / 6, half / 3, half / 2));
  const text = fc.tuple(size, fc.constantFrom('x', 'ü', '€')).map(([length, one]) => one.repeat(length));
  fc.assert(
    fc.property(fc.array(fc.array(text, { maxLength: 6 }), { maxLength: 5 }), (rounds) => {
      const { from, to } = pair();
      const sent: string[] = [];
      const received: string[] = [];
      for (const texts of rounds) {
        for (const each of texts) {
          from.put(message(each));
          sent.push(each);
        }
        from.hand();
        received.push(...taken(to));
      }
      while (from.waiting > 0) {
        from.hand();
        received.push(...taken(to));
      }
      assert.deepEqual(received, sent);
    }),
    { numRuns: 30 },
  );
});

test('what has not been handed over is not seen', () => {
  const { from, to } = pair();
  from.put(message('one'));
  assert.equal(to.isWaiting, false);
  assert.equal(to.peek(), undefined);
  assert.equal(from.hand().records, 1);
  assert.equal(to.isWaiting, true);
  assert.deepEqual(taken(to), ['one']);
  to.answer(1);
  assert.equal(from.answered(), 1);
  assert.equal(from.answered(), 0);
});

test('the last records go with the request to close when there is no room for them', () => {
  const { from, to } = pair();
  const large = 'x'.repeat(half / 4);
  for (const text of [large, large, 'last']) from.put(message(text));
  const rest = from.handLast();
  assert.equal(taken(to).length + rest.length, 3);
  assert.equal(rest.length, 2);
});

test('memory that was damaged makes no record', () => {
  for (const word of [0, 1, 2, 3, 6, 8, 15]) {
    const { shared, from, to } = pair();
    from.put(message('one'));
    from.put(message('two'));
    from.hand();
    const words = new Uint32Array(shared.halves[0]);
    words[word] = (words[word] ?? 0) ^ 0x40_00_00;
    assert.throws(() => taken(to), /damaged/, `word ${word}`);
  }
});
