/**
 * `npm run detect -- --speed`: how long the detectors take together, on ordinary JSON and prose and on the worst texts
 * that a search over near misses of every anchor finds.
 */
import {
  choose,
  compileDetectors,
  type DetectorSet,
} from '../../gateway/src/stages/inspect/detectors/engine/compile.ts';
import { scan, scanParts } from '../../gateway/src/stages/inspect/detectors/engine/scan.ts';
import { fixedDetectors } from '../../gateway/src/stages/inspect/detectors/list.ts';
import { nearMisses, ordinaryJson, ordinaryProse } from './texts.ts';

const key = Buffer.alloc(32, 7);

/**
 * Milliseconds of the quickest of some runs: what else the machine does makes a run longer, never shorter. A run that
 * waited for the processor is counted by the time that it had of it.
 */
function quickest(runs: number, run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let at = 0; at < runs; at++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    run();
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    // Of short runs the clock of the processor says nothing: it moves in steps.
    best = Math.min(best, wallMs < 5 ? wallMs : Math.min(wallMs, (user + system) / 1_000));
  }
  return best;
}

const sizes = [
  { name: '1 KiB', chars: 1_024, runs: 5_000, budgetMs: 0.025 },
  { name: '10 KB', chars: 10_000, runs: 600, budgetMs: 0.2 },
  { name: '100 KB', chars: 100_000, runs: 60, budgetMs: 2 },
  { name: '1 MB', chars: 1_000_000, runs: 10, budgetMs: 20 },
] as const;
const worstBudgetMs = 20;

export function printSpeed(write: (line: string) => void): void {
  const started = performance.now();
  const set = compileDetectors(fixedDetectors.map((each) => choose(each, undefined)));
  write(`compile ${(performance.now() - started).toFixed(0)} ms, ${set.automaton.anchors.length} anchors`);
  for (const [kind, textOf] of [
    ['JSON', ordinaryJson],
    ['prose', ordinaryProse],
  ] as const)
    for (const { name, chars, runs, budgetMs } of sizes) {
      const text = textOf(chars);
      const ms = quickest(runs, () => scan(set, text, { key }));
      const perChar = ((ms * 1e6) / text.length).toFixed(1);
      write(`${kind} ${name}: ${(ms * 1000).toFixed(1)} us, ${perChar} ns a character${over(ms, budgetMs)}`);
    }
  const parts = Array.from({ length: 1_000_000 }, (_, at) => `s${at % 97}`);
  const many = quickest(3, () => scanParts(set, parts, { key }));
  write(`a million short strings (${parts.join('').length} characters): ${many.toFixed(0)} ms`);
  const nested = `${'{"a":['.repeat(20_000)}1${']}'.repeat(20_000)}`;
  write(`nested ${nested.length} characters: ${quickest(5, () => scan(set, nested, { key })).toFixed(1)} ms`);
  printWorst(set, write);
}

const over = (ms: number, budgetMs: number): string => (ms > budgetMs ? `  over ${budgetMs} ms` : '');

interface Candidate {
  readonly name: string;
  readonly text: string;
}

/** Sifted at 2 KB, again at 20 KB, and measured at 100 KB after it is warm. */
function printWorst(set: DetectorSet, write: (line: string) => void): void {
  const slowest = (all: readonly Candidate[], times: number, keep: number): readonly (Candidate & { ms: number })[] =>
    all
      .map(({ name, text }) => ({ name, text, ms: quickest(3, () => scan(set, text.repeat(times), { key })) }))
      .toSorted((a, b) => b.ms - a.ms)
      .slice(0, keep);
  const all = [...nearMisses(set.automaton.anchors, 2_000)].map(([name, text]) => ({ name, text }));
  const worst = slowest(slowest(slowest(all, 1, 300), 10, 24), 50, 12);
  write(`worst of ${all.length} texts of 100 KB:`);
  for (const { name, ms } of worst) write(`  ${ms.toFixed(1)} ms  ${name}${over(ms, worstBudgetMs)}`);
}
