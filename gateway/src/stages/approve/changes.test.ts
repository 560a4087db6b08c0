import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../protocol/json.ts';
import { readOwnJson } from '../../protocol/json.ts';
import { argumentChanges } from './changes.ts';

const read = (text: string): JsonObject => readOwnJson(text) as JsonObject;

test('what is new, gone and other is named by its place', () => {
  const before = read('{"a":1,"b":{"c":[1,2],"d/e":"x"},"same":{"deep":[{"k":1}]}}');
  const after = read('{"a":1,"b":{"c":[1,3,4],"f":null},"same":{"deep":[{"k":1}]}}');
  assert.deepEqual(argumentChanges(before, after), {
    changes: [
      { at: '/b/c/1', before: '2', after: '3' },
      { at: '/b/c/2', after: '4' },
      { at: '/b/f', after: 'null' },
      { at: '/b/d~1e', before: '"x"' },
    ],
    more: 0,
  });
});

test('numbers that no double holds are compared as they are', () => {
  const { changes } = argumentChanges(read('{"id":9007199254740993}'), read('{"id":9007199254740992}'));
  assert.equal(changes.length, 1);
  assert.deepEqual(argumentChanges(read('{"id":9007199254740993}'), read('{"id":9007199254740993}')).changes, []);
});

test('long values are cut and many changes counted, in bounded time', () => {
  const long = argumentChanges({ a: 'x'.repeat(10_000) }, { a: 'y' });
  assert.match(long.changes[0]?.before ?? '', /^"x{199}… \(10002 characters\)$/);
  const list = (value: number): JsonObject => ({ list: Array.from({ length: 100_000 }, () => value) });
  const { changes, more } = argumentChanges(list(1), list(2));
  assert.equal(changes.length, 50);
  assert.equal(more, 99_950);
});

test('members with the names of an object are members', () => {
  const { changes } = argumentChanges(read('{"constructor":1}'), read('{}'));
  assert.deepEqual(changes, [{ at: '/constructor', before: '1' }]);
});
