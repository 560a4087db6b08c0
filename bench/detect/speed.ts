/** How long detectors take: ordinary JSON, and the worst text that a search finds. `npm run detect -- --speed`. */
import {
  choose,
  compileDetectors,
  type DetectorSet,
} from '../../gateway/src/stages/inspect/detectors/engine/compile.ts';
import { scan, scanParts } from '../../gateway/src/stages/inspect/detectors/engine/scan.ts';
import { fixedDetectors } from '../../gateway/src/stages/inspect/detectors/list.ts';
import { nearMisses, ordinaryJson } from './texts.ts';

const key = Buffer.alloc(32, 7);

/** Milliseconds of the quickest of some runs: what else the machine does makes a run longer, never shorter. */
function quickest(runs: number, run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let at = 0; at < runs; at++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

export function printSpeed(write: (line: string) => void): void {
  const started = performance.now();
  const set = compileDetectors(fixedDetectors.map((each) => choose(each, undefined)));
  write(`compile ${(performance.now() - started).toFixed(0)} ms, ${set.automaton.anchors.length} anchors`);
  for (const [name, chars, runs] of [
    ['1 KiB', 1_024, 3_000],
    ['10 KB', 10_000, 500],
    ['1 MB', 1_000_000, 12],
  ] as const) {
    const text = ordinaryJson(chars);
    const ms = quickest(runs, () => scan(set, text, { key }));
    write(`ordinary JSON ${name}: ${(ms * 1000).toFixed(1)} us, ${((ms * 1e6) / chars).toFixed(1)} ns a character`);
  }
  const parts = Array.from({ length: 1_000_000 }, (_, at) => `s${at % 97}`);
  const many = quickest(2, () => scanParts(set, parts, { key }));
  write(`a million short strings (${parts.join('').length} characters): ${many.toFixed(0)} ms`);
  worst(set, write);
}

/** Sifted at 20 KB, measured at 100 KB. */
function worst(set: DetectorSet, write: (line: string) => void): void {
  const slow = [...nearMisses(set.automaton.anchors, 20_000)]
    .map(([name, text]) => ({ name, text, ms: quickest(2, () => scan(set, text, { key })) }))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, 12)
    .map(({ name, text }) => ({ name, ms: quickest(3, () => scan(set, text.repeat(5), { key })) }))
    .toSorted((a, b) => b.ms - a.ms);
  for (const { name, ms } of slow) write(`worst 100 KB ${ms.toFixed(1)} ms  ${name}`);
}
