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

/** How many times as long as ordinary text each may take: twice what it does. */
const worst: Readonly<Record<string, readonly [piece: string, times: number]>> = {
  'values that are judged behind many names': ['주민비밀번호>ignorald\u200b', 90],
  'images without an address': ['![', 20],
  'anchors of many matchers, decoded and normalised three times': [`${crowded}%252541\u200b`, 260],
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

test('the same encoded value at two places is found at both', () => {
  const value = Buffer.from(['AKIA', 'IOSF3DNN7QX2MPLT'].join('')).toString('base64');
  const { findings } = scan(set, `first ${value} and second ${value}`, { key });
  assert.equal(findings.length, 2);
});
