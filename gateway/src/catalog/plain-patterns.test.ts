import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RE2JS } from 're2js';
import { plainPattern } from './plain-patterns.ts';

test('rows of characters and classes are plain, and what may repeat in two ways is not', () => {
  for (const source of [
    '^$',
    '^[a-z_]+$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^[A-Z]{2}\\w*$',
    '^v?1\\.0$',
    '^[^/]+$',
    '^a{2,5}b$',
  ])
    assert.ok(plainPattern(source), source);
  for (const source of [
    '[a-z]+',
    '^a*a*$',
    '^[a-z]+\\d*$',
    '^(a+)+$',
    '^a|b$',
    '^a+?$',
    '^.*$',
    '^\\s+$',
    '^[z-a]$',
    '^\\p{L}+$',
    '^a{40}b{40}$',
    `^[${'ab'.repeat(120)}]$`,
  ])
    assert.equal(plainPattern(source), undefined, source);
});

test('a plain pattern says what the engine for any pattern says', (context) => {
  const seed = Number(process.env['SALLYPORT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  context.diagnostic(`SALLYPORT_SEED=${seed}`);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? '';
  const atoms = [
    'a',
    'b',
    '-',
    '\\.',
    '\\d',
    '\\w',
    '[ab]',
    '[^a]',
    '[a-c.]',
    '[\\d-]',
    '[^\\w]',
    '/',
    ' ',
    '\\{',
    '[$]',
  ];
  const fixed = ['', '', '{2}', '{1}'];
  const varying = ['+', '*', '?', '{1,2}', '{2,}', '{0}'];
  const texts = ['a', 'b', 'c', '-', '.', '1', '_', '/', ' ', '{', '$', '\n', 'é', '😀'];
  let plain = 0;
  for (let round = 0; round < 3_000; round++) {
    const length = random(4);
    const free = random(length + 1);
    const row = Array.from({ length }, (_, at) => pick(atoms) + pick(at === free ? varying : fixed)).join('');
    const pattern = plainPattern(`^${row}$`);
    if (pattern === undefined) continue;
    plain++;
    const other = RE2JS.compile(RE2JS.translateRegExp(`^${row}$`));
    for (let tried = 0; tried < 20; tried++) {
      const text = Array.from({ length: random(6) }, () => pick(texts)).join('');
      assert.equal(pattern.test(text), other.test(text), `^${row}$ on ${JSON.stringify(text)}`);
    }
  }
  assert.ok(plain > 2_000, `${plain} plain patterns`);
});

test('the worst of them takes time in proportion to the text', () => {
  const tail = 'a'.repeat(63);
  const pattern = plainPattern(`^a*${tail}b$`);
  assert.ok(pattern);
  const took = (length: number): number => {
    const text = 'a'.repeat(length);
    return Math.min(
      ...[1, 2, 3].map(() => {
        const began = performance.now();
        pattern.test(text);
        return performance.now() - began;
      }),
    );
  };
  took(1_000);
  // Quadratic time would be a hundred times as much.
  assert.ok(took(200_000) < 40 * Math.max(took(20_000), 0.05));
});
