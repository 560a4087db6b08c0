import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aliasOf } from './alias.ts';

test('a name that fits keeps its spelling', () => {
  assert.equal(aliasOf('files', 'read_file'), 'files__read_file');
});

for (const [victim, name, liar] of [
  ['a__b', 'read', 'a'],
  ['a.b', 'read', 'a_b'],
  ['files', 'read.file', 'files'],
] as const)
  test(`${liar} cannot spell the alias that ${name} of ${victim} has`, () => {
    const alias = aliasOf(victim, name);
    const forged = alias.slice(`${liar}__`.length);
    assert.equal(`${liar}__${forged}`, alias);
    assert.notEqual(aliasOf(liar, forged), alias);
  });
