/** What the weighing of signs leaves out: expressions whose required texts are not there. It must leave out none that matches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allCases } from '../../bench/detect/cases.ts';
import { fold } from '../src/stages/inspect/detectors/engine/fold.ts';
import type { Pattern } from '../src/stages/inspect/detectors/injection/lexicon.ts';
import { requiredBy } from '../src/stages/inspect/detectors/injection/required.ts';
import {
  against,
  aimed,
  aimedAsWritten,
  harmful,
  harmfulAsWritten,
} from '../src/stages/inspect/detectors/injection/signs.ts';
import { together } from '../src/stages/inspect/detectors/injection/together.ts';

const all = [...aimed, ...harmful, ...against].map(({ pattern }) => pattern);

test('signs that are looked for together are found where each of them is alone', () => {
  const lookAt = together(all);
  for (const { text } of allCases()) {
    const folded = fold(text).replace(/[\s*_]/g, ' ');
    const seen = lookAt(folded);
    for (const [number, pattern] of all.entries()) {
      assert.equal(seen.has(number), pattern.test(folded), folded);
      if (pattern.test(folded)) assert.ok(seen.may(number), folded);
    }
  }
});

test('a sign of the text as it stands may be there where the folded text has what it requires', () => {
  const patterns = [...aimedAsWritten, ...harmfulAsWritten].map(({ pattern }) => pattern);
  const lookAt = together(patterns);
  for (const { text } of allCases()) {
    const seen = lookAt(fold(text).replace(/[\s*_]/g, ' '));
    for (const [number, pattern] of patterns.entries())
      if (pattern.test(text.toLowerCase())) assert.ok(seen.may(number), text);
  }
});

const seed = 20_261_129;

test(`what matches an expression has one of the texts that it requires (seed ${seed})`, () => {
  const expressions = all.filter((each: Pattern): each is RegExp => each instanceof RegExp);
  assert.ok(expressions.length > 15);
  for (const expression of expressions) {
    const required = requiredBy(expression);
    if (required === undefined) continue;
    // What stands around a match is left out: the generator knows no assertions.
    const plain = expression.source.replace(/\\b|\(\?<?[!=][^()]*(?:\([^()]*\)[^()]*)*\)/g, '');
    const matching = fc.stringMatching(new RegExp(plain));
    fc.assert(
      fc.property(matching, (text) => !expression.test(text) || required.some((each) => text.includes(each))),
      { seed, numRuns: 200 },
    );
  }
});

test('an expression that may match without any text requires none', () => {
  assert.equal(requiredBy(/a?b*/), undefined);
  assert.equal(requiredBy(/abc|\d+/), undefined);
  assert.equal(requiredBy(/[^x]/), undefined);
  assert.deepEqual(requiredBy(/\b(?:send|post)s?\b/), ['send', 'post']);
  assert.deepEqual(requiredBy(/(?:[ab]|at) (?!not )the/), [' the']);
  assert.deepEqual(requiredBy(/x{0,3}secret/), ['secret']);
});
