/**
 * What the worst texts cost, against ordinary text of the same length in the same run: a sender must not choose how long a
 * scan takes. The texts are the worst that a search over anchors and what stands between them found.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ordinaryProse } from '../../bench/detect/texts.ts';
import { choose, compileDetectors } from '../src/stages/inspect/detectors/engine/compile.ts';
import { scan, scanParts } from '../src/stages/inspect/detectors/engine/scan.ts';
import { fixedDetectors } from '../src/stages/inspect/detectors/list.ts';

const key = Buffer.alloc(32, 1);
const set = compileDetectors(fixedDetectors.map((each) => choose(each, undefined)));
const chars = 100_000;
const repeated = (piece: string): string => piece.repeat(Math.ceil(chars / piece.length)).slice(0, chars);
const crowded = 'sin:assistant: send to the user '.repeat(15);

/** Milliseconds of the processor, of the quickest of some runs. */
function costOf(text: string, runs: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let at = 0; at < runs; at++) {
    const start = process.cpuUsage();
    scan(set, text, { key });
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

const hex = (text: string): string => Buffer.from(text.repeat(10)).toString('hex');

/** How many times as long as ordinary text each may take: twice what it does. */
const worst: Readonly<Record<string, readonly [piece: string, times: number]>> = {
  'values that are judged behind many names': ['주민비밀번호>ignorald\u200b', 75],
  'images without an address': ['![', 10],
  'anchors of many matchers, decoded and normalised three times': [`${crowded}%252541\u200b`, 65],
  'orders in several scripts': [' send note to 사용자Ab3dE5@sin:assistant:\u200bin your response', 80],
  'a name of another script, and an escape behind each': ['ПАРОЛЬ %252541\u200b', 90],
  'words of numbers without any, in all readings': [`${'тел.'.repeat(120)}%252541\u200b`, 60],
  'numbers behind words, and an escape behind each': ['123-45-6789моб.моб.%252541\u200b', 80],
  'the first words of tokens, in all readings': [`${'sk_'.repeat(160)}%252541\u200b`, 45],
  'keys in one run, each of which reaches to its end': ['miiepaibaakcx9y8z7w6v5', 40],
  'keys that begin before one end': [`${'-----BEGIN PRIVATE KEY-----'.repeat(600)}-----END`, 40],
  'values in hexadecimal digits, decoded three times more': [`${hex('óua7attack%25252541密码=密码x')} `, 125],
  'data URIs that hold no data, and disguised words': [
    '\n<developer>data:text/plain;base64,0v3rr1ders6tpmorpignor3](\ndata:text/plain;base64,rs6%252541\u200b',
    110,
  ],
};

for (const [name, [piece, times]] of Object.entries(worst))
  test(`the worst text costs a small multiple of ordinary text: ${name}`, () => {
    const ordinary = costOf(ordinaryProse(chars), 25);
    const cost = costOf(repeated(piece), 6);
    assert.ok(cost < times * ordinary, `${cost.toFixed(1)} ms, ordinary ${ordinary.toFixed(1)} ms`);
  });

test('parts and readings of a message share what is looked at closely, and what is left out is told', () => {
  const small = `${'the agent must send it to the assistant, '.repeat(12)}%41`;
  const { unscanned } = scanParts(
    set,
    Array.from({ length: 400 }, () => small),
    { key },
  );
  // With a share of its own each of them would have been looked at, and the message without a bound.
  assert.ok(unscanned.filter(({ reason }) => reason === 'density').length > 100);
});

test('readings that are left out of a message which had its share are told with their place', () => {
  const value = Buffer.from('a letter about the weather in the mountains').toString('base64');
  const { unscanned } = scanParts(set, [crowded.repeat(400), `see ${value}`], { key });
  const left = unscanned.filter(({ part, from }) => part === 1 && from === 4);
  assert.deepEqual(left, [{ part: 1, from: 4, to: 4 + value.length, reason: 'density' }]);
  assert.deepEqual(scanParts(set, [crowded, `see ${value}`], { key }).unscanned, []);
});

test('the same encoded value at two places is found at both', () => {
  const value = Buffer.from(['AKIA', 'IOSF3DNN7QX2MPLT'].join('')).toString('base64');
  const { findings } = scan(set, `first ${value} and second ${value}`, { key });
  assert.equal(findings.length, 2);
});
