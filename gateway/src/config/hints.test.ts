/** Hints name keys, and a hint that names one that is not there is worse than none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, type Json } from '../protocol/json.ts';
import { hints } from './hints.ts';
import { jsonSchema } from './json-schema.ts';

function keysOf(schema: Json | undefined, found = new Set<string>()): ReadonlySet<string> {
  if (Array.isArray(schema)) for (const each of schema) keysOf(each, found);
  if (!isObject(schema)) return found;
  if (isObject(schema['properties'])) for (const key of Object.keys(schema['properties'])) found.add(key);
  for (const each of Object.values(schema)) keysOf(each, found);
  return found;
}

test('what hints tell people to write is in the format', () => {
  const known = keysOf(jsonSchema() as Json);
  let written = 0;
  for (const hint of Object.values(hints))
    for (const [, key = ''] of hint.matchAll(/(?<=^Write |: |[{,[] )([a-z][A-Za-z]*)(?=:)/g)) {
      assert.ok(known.has(key), `${key} in: ${hint}`);
      written += 1;
    }
  assert.ok(written >= Object.keys(hints).length / 2, `only ${written} keys were looked at`);
});
