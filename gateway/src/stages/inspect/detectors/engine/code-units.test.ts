import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeUnits, codeUnitTable, isSurrogate } from './code-units.ts';
import { foldOf } from './fold.ts';

const each = Array.from({ length: codeUnits }, (_, code) => code);

test('a table of code units says of each what the expression says of it', () => {
  for (const sign of [/[\s*_]/, /[a-z0-9]/, /[\s:=,;"'<>(){}.!?\uff1a]/, /\p{L}/u]) {
    const table = codeUnitTable(sign);
    const wrong = each.filter((code) => {
      const is = !isSurrogate(code) && sign.test(String.fromCharCode(code));
      return (table[code] === 1) !== is;
    });
    assert.deepEqual(wrong, [], String(sign));
  }
});

test('each code unit is folded to the first one of its small letter without accents', () => {
  const stroked: Readonly<Record<string, string>> = {
    ł: 'l',
    Ł: 'l',
    ø: 'o',
    Ø: 'o',
    đ: 'd',
    Đ: 'd',
    ħ: 'h',
    ŧ: 't',
    ı: 'i',
  };
  const wrong = each.filter((code) => {
    const sign = String.fromCharCode(code);
    const lower = sign.toLowerCase();
    // What is beyond the scripts with accents is left as it is written.
    const plain = stroked[sign] ?? (isSurrogate(code) ? sign : code < 0x2000 ? lower.normalize('NFD') : lower);
    return foldOf[code] !== plain.charCodeAt(0);
  });
  assert.deepEqual(wrong, []);
});
