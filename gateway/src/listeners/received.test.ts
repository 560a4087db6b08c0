import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correlationId } from './received.ts';

test('correlation ids differ, and none looks like an option of a command', () => {
  const ids = Array.from({ length: 20_000 }, correlationId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[A-Za-f][A-Za-z0-9_-]{15}$/);
});
