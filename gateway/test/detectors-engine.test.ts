/** What holds for every text: places, determinism, redaction, bounds, and work that grows with the text alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DetectorDefinition } from '../src/stages/inspect/detectors/detector.ts';
import { compileAutomaton, walk } from '../src/stages/inspect/detectors/engine/automaton.ts';
import { defaultBounds } from '../src/stages/inspect/detectors/engine/bounds.ts';
import { choose, compileDetectors } from '../src/stages/inspect/detectors/engine/compile.ts';
import { fold } from '../src/stages/inspect/detectors/engine/fold.ts';
import { redactParts } from '../src/stages/inspect/detectors/engine/redact.ts';
import { scan, scanning, scanParts } from '../src/stages/inspect/detectors/engine/scan.ts';
import { detectors } from '../src/stages/inspect/detectors/list.ts';
import { words } from '../src/stages/inspect/detectors/words/detector.ts';
import { casesOf } from './support/detector-cases.ts';

const key = Buffer.alloc(32, 1);
const all = detectors.map((detector) => ({ detector, ...casesOf(detector.id) }));
const set = compileDetectors(all.map(({ detector, options }) => choose(detector as DetectorDefinition, options)));
const texts = all.flatMap(({ cases }) => cases.map(({ text }) => text));

/** Texts of cases, cut and put together anyhow, between any characters. */
const message = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...texts) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
    { weight: 1, arbitrary: fc.constantFrom(' ', '\n', '"', '=', ': ', '%41', '\u200b', '\u{e0041}', '&#64;') },
  ),
  { minLength: 1, maxLength: 5 },
);
const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

test(`places lie within the parts, and two scans are the same (seed ${seed})`, () => {
  fc.assert(
    fc.property(message, (parts) => {
      const result = scanParts(set, parts, { key });
      for (const { spans } of result.findings)
        for (const { part, from, to } of spans) assert.ok(from >= 0 && from < to && to <= (parts[part] ?? '').length);
      assert.deepEqual(scanParts(set, parts, { key }), result);
    }),
    { seed, numRuns: 150 },
  );
});

test(`redaction leaves no finding of a class it took out, and is idempotent (seed ${seed})`, () => {
  fc.assert(
    fc.property(message, (parts) => {
      const { findings } = scanParts(set, parts, { key });
      const once = redactParts(parts, findings);
      const left = scanParts(set, once, { key }).findings;
      const taken = new Set(findings.map((each) => `${each.detector}/${each.class}`));
      assert.deepEqual(
        left.map((each) => `${each.detector}/${each.class}`).filter((each) => taken.has(each)),
        [],
        JSON.stringify(once),
      );
      const again = redactParts(once, scanParts(set, once, { key }).findings);
      assert.deepEqual(scanParts(set, again, { key }).findings, []);
    }),
    { seed, numRuns: 150 },
  );
});

test(`the automaton finds what a plain search finds (seed ${seed})`, () => {
  const sign = fc.constantFrom('a', 'b', 'B', 'c', '.', '1', 'é', '字', '-');
  const piece = fc.string({ unit: sign, minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.uniqueArray(piece.map(fold), { minLength: 1, maxLength: 8 }),
      fc.string({ unit: sign, maxLength: 60 }),
      (anchors, text) => {
        const found = new Set<string>();
        walk(
          compileAutomaton(anchors),
          { text, from: 0, to: text.length },
          { anchor: (id, from, to) => found.add(`${anchors[id]} ${from} ${to}`), shape: () => undefined },
        );
        const folded = fold(text);
        const expected = anchors.flatMap((anchor) =>
          Array.from({ length: folded.length }, (_, at) => at)
            .filter((at) => folded.startsWith(anchor, at))
            .map((at) => `${anchor} ${at} ${at + anchor.length}`),
        );
        assert.deepEqual([...found].toSorted(), expected.toSorted());
      },
    ),
    { seed, numRuns: 300 },
  );
});

const awsKey = ['AKIA', 'QX3J5TNB7WRKL2ZD'].join('');

test('a value that two parts share is found, with its place in each', () => {
  const { findings } = scanParts(set, [`the key is ${awsKey.slice(0, 9)}`, `${awsKey.slice(9)} today`], { key });
  assert.deepEqual(
    findings.map((each) => [each.class, each.view, each.spans]),
    [
      [
        'aws-access-key',
        'joined',
        [
          { part: 0, from: 11, to: 20 },
          { part: 1, from: 0, to: 11 },
        ],
      ],
    ],
  );
});

test('the fingerprint is of the value, however it was encoded, and depends on the key', () => {
  const forms = [
    awsKey,
    `%41${awsKey.slice(1)}`,
    Buffer.from(`the key: ${awsKey}.`).toString('base64'),
    `${awsKey.slice(0, 8)}\u200b${awsKey.slice(8)}`,
  ];
  const prints = forms.map(
    (text) => scan(set, text, { key }).findings.find((each) => each.class === 'aws-access-key')?.fingerprint,
  );
  assert.equal(new Set(prints).size, 1);
  assert.notEqual(scan(set, awsKey, { key: Buffer.alloc(32, 2) }).findings[0]?.fingerprint, prints[0]);
});

test('three rounds are decoded; a fourth is reported as not scanned', () => {
  const nested = (rounds: number): string => {
    let text = `the key is ${awsKey} and stays`;
    for (let round = 0; round < rounds; round++) text = Buffer.from(text).toString('base64');
    return text;
  };
  assert.equal(scan(set, nested(3), { key }).findings[0]?.class, 'aws-access-key');
  const fourth = scan(set, nested(4), { key });
  assert.deepEqual([fourth.findings, fourth.unscanned.map(({ reason }) => reason)], [[], ['rounds']]);
});

test('what is beyond a bound is reported with its place', () => {
  const long = `${'word '.repeat(20_000)}${awsKey}`;
  assert.deepEqual(scan(set, long, { key, bounds: { maxChars: 1_000 } }).unscanned, [
    { part: 0, from: 1_000, to: long.length, reason: 'size' },
  ]);
  const many = scan(set, `${awsKey} `.repeat(50), { key, bounds: { maxFindings: 3 } });
  assert.deepEqual([many.findings.length, many.unscanned[0]?.reason], [3, 'findings']);
  let time = 0;
  const late = scan(set, long, { key, bounds: { timeMs: 5 }, now: () => (time += 4) });
  assert.deepEqual([late.findings, late.unscanned[0]?.reason, late.unscanned[0]?.to], [[], 'time', long.length]);
  assert.ok((late.unscanned[0]?.from ?? 0) > 0);
});

test('a scan can stop after each slice', () => {
  const steps = scanning(set, ['word '.repeat(20_000)], { key });
  let count = 0;
  while (steps.next().done !== true) count++;
  assert.ok(count >= 5, String(count));
  assert.equal(defaultBounds.maxRounds, 3);
});

function quickest(text: string, sets = set): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    // Of the processor: what else runs on the machine does not count.
    const start = process.cpuUsage();
    scan(sets, text, { key });
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

test('twice the text costs about twice the work, whatever is repeated in it', () => {
  // Half as long again for the noise of the machine; the square would be four times.
  for (const piece of [
    'password=',
    'token:"',
    '-----BEGIN PRIVATE KEY-----',
    '://a:b',
    'ignore all ',
    '![](http://',
    '<!-- ai ',
    '4111 ',
    'a@',
    'DE89 ',
    '%41',
    '\u200b',
    'eyJ.',
    'secret=x&',
  ]) {
    const chars = 60_000;
    const short = piece.repeat(Math.ceil(chars / piece.length));
    const [one, four] = [quickest(short), quickest(short.repeat(4))];
    assert.ok(four < one * 10 + 30, `${piece}: ${one.toFixed(1)} ms, four times as long ${four.toFixed(1)} ms`);
  }
});

test('ten thousand words find theirs, and cost little more than ten', () => {
  const list = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `zq${(at * 7919).toString(36)}xw${at}`);
  const setOf = (count: number) => compileDetectors([choose(words, { names: { words: list(count) } })]);
  const [few, many] = [setOf(10), setOf(10_000)];
  const text = 'The worker reads one batch at a time and acknowledges it when all rows are written. '.repeat(1_000);
  assert.equal(scan(many, `about ${list(10_000)[9_321]} again`, { key }).findings.length, 1);
  const [ten, thousands] = [quickest(text, few), quickest(text, many)];
  assert.ok(
    thousands < ten * 4 + 5,
    `${ten.toFixed(1)} ms with ten words, ${thousands.toFixed(1)} ms with ten thousand`,
  );
});
