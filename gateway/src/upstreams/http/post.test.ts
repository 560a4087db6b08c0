import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../protocol/json.ts';
import type { Pool, ResponseHandler } from './client/pool.ts';
import { exchange } from './post.ts';

test('an answer in single bytes costs no object for each of them', () => {
  let handler: ResponseHandler | undefined;
  let answered: Json | undefined;
  const pool = {
    send: (_request: unknown, given: ResponseHandler) => {
      handler = given;
      return { abort: () => {} };
    },
  };
  exchange(
    pool as unknown as Pool,
    { method: 'POST', path: '/', fields: '', body: '{}' },
    { depth: 8, result: 8 << 20 },
    {
      onValue: (value) => {
        answered = value;
      },
      onEnd: () => {},
      onFailure: () => {},
    },
  );
  const text = JSON.stringify({ result: 'abcdefghij'.repeat(200_000) });
  const bytes = Buffer.from(text);
  handler?.onHead(200, { 'content-type': 'application/json' });
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < bytes.length; at++) handler?.onData(bytes.subarray(at, at + 1));
  const each = (process.memoryUsage().heapUsed - before) / bytes.length;
  handler?.onEnd();
  assert.equal(JSON.stringify(answered), text);
  // A view of a byte takes more than a hundred.
  assert.ok(each < 40, `${each} bytes of memory for a byte`);
});
