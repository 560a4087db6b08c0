import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pieces } from './pieces.ts';

test('what came in one piece is not copied', () => {
  const piece = Buffer.from('whole');
  const pieces = new Pieces();
  assert.equal(pieces.take().length, 0);
  pieces.add(piece);
  assert.equal(pieces.take(), piece);
});

test('a body in single bytes costs no object for each of them', () => {
  const bytes = Buffer.from('abcdefghij'.repeat(200_000));
  const pieces = new Pieces();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < bytes.length; at++) pieces.add(bytes.subarray(at, at + 1));
  const each = (process.memoryUsage().heapUsed - before) / bytes.length;
  assert.deepEqual(pieces.take(), bytes);
  // A view of a byte takes more than a hundred.
  assert.ok(each < 40, `${each} bytes of memory for a byte`);
});
