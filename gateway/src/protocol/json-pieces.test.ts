import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonResult, parseJsonText } from './json.ts';
import { readingLongJson } from './json-pieces.ts';
import type { JsonLimits } from './json-survey.ts';

const limits: JsonLimits = { depth: 12, values: 400, keys: 60, member: 'result' };
/** Few characters, so that short texts are cut as well. */
const pieceLength = 12;

function readInPieces(text: string, bounds = limits): { readonly result: JsonResult; readonly pieces: number } {
  const steps = readingLongJson(text, bounds, pieceLength);
  let pieces = 0;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { result: step.value, pieces };
    pieces++;
  }
}

/** What the two readings must agree on: the fault may be another one where a text has several. */
const judged = (result: JsonResult): unknown => (result.ok ? result : 'refused');

test('a text is read in pieces as it is as a whole', () => {
  const rows = Array.from({ length: 40 }, (_, index) => ({ name: `n${index}`, is: [index, -0.5, 1e300, null] }));
  for (const value of [
    { jsonrpc: '2.0', id: 1, result: { tools: rows } },
    { result: { structuredContent: { rows }, content: [{ type: 'text', text: 'a ] b [ "c" , \\' }] } },
    { id: 7, other: rows, result: { content: [] } },
    { result: rows, after: rows.slice(0, 9) },
  ]) {
    const text = JSON.stringify(value);
    const { result, pieces } = readInPieces(text);
    assert.deepEqual(result, parseJsonText(text, limits));
    assert.ok(result.ok && pieces > 10, `${pieces} pieces`);
    assert.deepEqual(result.value, value);
    if ('result' in value && !('other' in value))
      assert.equal(result.ok ? result.memberText : '', JSON.stringify(value.result));
  }
});

test('what pieces could hide from each other is refused', () => {
  const item = '"0123456789abcdef"';
  const refused: Readonly<Record<string, string>> = {
    'an item that is missing': `[${item},,${item}]`,
    'an item that is missing at the end': `[${item},${item},]`,
    'an array that closes as an object': `{"a":[${item},${item}}}`,
    'an array that closes early': `[${item},${item}],${item}]`,
    'two texts': `[${item},${item}][${item}]`,
    'a key twice, around the array': `{"a":1,"b":[${item},${item}],"a":2}`,
    'a key twice within an item': `[${item},{"a":"0123456789","a":2}]`,
    'nesting beyond the bound within an item': `[${item},${item},${'['.repeat(12)}${']'.repeat(12)}]`,
    'no end': `{"a":[${item},${item},`,
  };
  for (const [name, text] of Object.entries(refused)) {
    assert.equal(parseJsonText(text, limits).ok, false, name);
    assert.equal(readInPieces(text).result.ok, false, name);
  }
});

test('the bounds hold for all pieces together', () => {
  const many = (item: (index: number) => string, count: number): string =>
    `[${Array.from({ length: count }, (_, index) => item(index)).join(',')}]`;
  const fault = (text: string): string => {
    const { result } = readInPieces(text);
    return result.ok ? 'none' : result.fault;
  };
  assert.equal(fault(many(() => '12345678901', 399)), 'none');
  assert.equal(fault(many(() => '12345678901', 402)), 'too-many-values');
  assert.equal(fault(many((index) => `{"k${index}":"01234"}`, 50)), 'none');
  assert.equal(fault(many((index) => `{"k${index}":"01234"}`, 70)), 'too-many-keys');
  const wide: JsonLimits = { depth: 12, values: 100_000, keys: 60 };
  const numbers = many(() => '0.12345678901234567890123', 5_001);
  assert.deepEqual(readInPieces(numbers, wide).result, { ok: false, fault: 'too-many-long-numbers' });
});

test('of texts that were damaged anywhere both readings say the same', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % bound;
  };
  const made = (depth: number): unknown => {
    const kind = below(depth > 5 ? 4 : 7);
    if (kind === 0) return below(1_000) - 500;
    if (kind === 1) return ['', 'a,b', ']', '"', '\\', '{[', '\ud83d\ude00', 'ünï'][below(8)];
    if (kind === 2) return [null, true, false, 1.5][below(4)];
    if (kind === 3) return 'x'.repeat(below(20));
    if (kind === 4)
      return Object.fromEntries(Array.from({ length: below(4) }, () => [`k${below(6)}`, made(depth + 1)]));
    return Array.from({ length: below(9) }, () => made(depth + 1));
  };
  const signs = '{}[],:"\\ 01.-e\n\u0000é';
  let cut = 0;
  for (let round = 0; round < 20_000; round++) {
    let text = JSON.stringify({ id: 1, result: made(0), more: made(2) }, undefined, below(8) === 0 ? 1 : undefined);
    for (let damage = below(3); damage > 0; damage--) {
      const [from, length, kept] = [below(text.length), below(3), below(3)];
      const sign = signs[below(signs.length)] ?? '';
      text = text.slice(0, from) + (kept === 0 ? '' : sign) + text.slice(from + length);
    }
    const bounds: JsonLimits = below(2) === 0 ? limits : { depth: 5, values: 60, keys: 4, member: 'result' };
    const { result, pieces } = readInPieces(text, bounds);
    if (pieces > 1) cut++;
    assert.deepEqual(judged(result), judged(parseJsonText(text, bounds)), `seed ${seed}, round ${round}: ${text}`);
  }
  assert.ok(cut > 2_000, `${cut} were cut`);
});
