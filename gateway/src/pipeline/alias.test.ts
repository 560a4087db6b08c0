import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aliasOf } from './alias.ts';

test('a name that fits keeps its spelling', () => {
  assert.equal(aliasOf('files', 'read_file'), 'files__read_file');
});

test('a name that does not fit ends with 64 bits of a digest, within 64 characters', () => {
  for (const name of ['read.file', 'x'.repeat(200), 'read__0123456789abcdef'])
    assert.match(aliasOf('files', name), /^(?=.{1,64}$)files__[A-Za-z0-9_]+_[0-9a-f]{16}$/);
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
