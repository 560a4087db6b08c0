/**
 * `npm run detect`: how many of the development cases each detector finds, what it finds where nothing is, and how
 * silent it is on ordinary text. Misses and false positives go to `bench/results/detect.json`. Exit code 1 when a goal
 * is missed. `npm run detect -- --speed` prints times instead.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { choose, compileDetectors } from '../../gateway/src/stages/inspect/detectors/engine/compile.ts';
import type { Finding } from '../../gateway/src/stages/inspect/detectors/engine/finding.ts';
import { scan } from '../../gateway/src/stages/inspect/detectors/engine/scan.ts';
import { fixedDetectors } from '../../gateway/src/stages/inspect/detectors/list.ts';
import { allCases, type Case, detectorIds } from './cases.ts';
import { answersOfServers } from './servers.ts';
import { printSpeed } from './speed.ts';
import { asRate, inPercent, rateOf, type Share, shareOf } from './statistics.ts';
import { installed, sample } from './texts.ts';

const key = Buffer.alloc(32, 7);
const sampleBytes = 60_000_000;
/** Files that the file server reads as tools of agents would. */
const readFiles = 400;

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const set = compileDetectors(fixedDetectors.map((each) => choose(each, undefined)));

interface Group {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly recall: Share;
  readonly precision: Share;
  readonly falsePositives: Share;
}

interface Fault {
  readonly kind: 'missed' | 'false positive' | 'ordinary text';
  readonly group: string;
  readonly finding?: string;
  readonly text: string;
}

const faults: Fault[] = [];

function found(detector: string, text: string): readonly Finding[] {
  return scan(set, text, { key }).findings.filter((finding) => finding.detector === detector);
}

const described = (findings: readonly Finding[]): string =>
  findings.map((each) => `${each.class} ${each.confidence} ${each.view}`).join(', ');

function measured(name: string, cases: readonly Case[], keep: boolean): Group {
  let hits = 0;
  let wrong = 0;
  for (const { detector, text, isPositive, group } of cases) {
    const findings = found(detector, text);
    if (isPositive && findings.length > 0) hits++;
    else if (isPositive && keep) faults.push({ kind: 'missed', group: `${detector} ${group}`, text });
    if (isPositive || findings.length === 0) continue;
    wrong++;
    if (keep)
      faults.push({ kind: 'false positive', group: `${detector} ${group}`, finding: described(findings), text });
  }
  const positives = cases.filter((each) => each.isPositive).length;
  return {
    name,
    cases,
    recall: shareOf(hits, positives),
    precision: shareOf(hits, hits + wrong),
    falsePositives: shareOf(wrong, cases.length - positives),
  };
}

function printGroups(): ReadonlyMap<string, Group> {
  const all = allCases();
  const rows: (readonly string[])[] = [];
  const totals = new Map<string, Group>();
  const rowOf = (group: Group): readonly string[] => {
    const positives = group.cases.filter((each) => each.isPositive).length;
    return [
      group.name,
      String(positives),
      String(group.cases.length - positives),
      inPercent(group.recall),
      inPercent(group.precision),
      inPercent(group.falsePositives),
    ];
  };
  for (const detector of detectorIds) {
    const own = all.filter((each) => each.detector === detector);
    for (const group of new Set(own.map((each) => each.group)))
      rows.push(
        rowOf(
          measured(
            `${detector} ${group}`,
            own.filter((each) => each.group === group),
            true,
          ),
        ),
      );
    const total = measured(
      `${detector}, all`,
      own.filter((each) => each.group !== 'cases.yaml'),
      false,
    );
    totals.set(detector, total);
    rows.push(rowOf(total));
  }
  const checked = all.filter((each) => each.group === 'payment' || each.group === 'national');
  const total = measured('pii with check digits', checked, false);
  totals.set('checked', total);
  rows.push(rowOf(total));
  printTable(['cases', 'positive', 'negative', 'recall %', 'precision %', 'negatives found %'], rows);
  return totals;
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  write(line(head));
  write(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) write(line(row));
  write('');
}

/** Addresses are what their class says wherever they stand, also in a test or the author's line. */
const addresses = new Set(['email', 'ip-address', 'mac-address']);

interface Ordinary {
  /** By detector: findings per 10 MB that are not addresses. */
  readonly perTenMb: ReadonlyMap<string, Share>;
}

function printOrdinary(files: readonly string[]): Ordinary {
  const counts = new Map<string, number>();
  let bytes = 0;
  for (const [file, text] of sample(files, sampleBytes)) {
    bytes += text.length;
    for (const finding of scan(set, text, { key }).findings) {
      const isAddress = addresses.has(finding.class);
      const name = isAddress ? 'pii, addresses' : finding.detector;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const { from, to } = finding.spans[0];
      const around = text.slice(Math.max(0, from - 60), Math.min(to, from + 120) + 40);
      if (!isAddress)
        faults.push({
          kind: 'ordinary text',
          group: `${finding.detector} ${file}`,
          finding: described([finding]),
          text: around,
        });
    }
  }
  const mb = bytes / 1e6;
  write(`node_modules: ${mb.toFixed(1)} MB of READMEs, sources and data`);
  const names = [...detectorIds, 'pii, addresses'];
  printTable(
    ['ordinary text', 'findings', 'per MB'],
    names.map((name) => [name, String(counts.get(name) ?? 0), asRate(rateOf(counts.get(name) ?? 0, mb))]),
  );
  return { perTenMb: new Map(detectorIds.map((each) => [each, rateOf(counts.get(each) ?? 0, mb / 10)])) };
}

/** What `guardrails: recommended` changes or warns of in a result. */
async function printServers(files: readonly string[]): Promise<Share> {
  const answers = await answersOfServers(files.slice(0, readFiles));
  let touched = 0;
  let results = 0;
  for (const { name, kind, text } of answers) {
    const findings = scan(set, text, { key }).findings.filter((finding) => finding.detector !== 'pii');
    if (kind === 'result') results++;
    if (kind === 'result' && findings.length > 0) touched++;
    for (const finding of findings)
      faults.push({
        kind: 'ordinary text',
        group: name,
        finding: described([finding]),
        text: text.slice(finding.spans[0].from, finding.spans[0].to),
      });
    if (kind === 'definition') write(`${name}: ${text.length} characters, ${findings.length} findings`);
  }
  const share = shareOf(touched, results);
  write(`results of npm servers: ${results}, touched ${touched}: ${inPercent(share)} %\n`);
  return share;
}

function printGoals(goals: readonly (readonly [name: string, isMet: boolean])[]): void {
  for (const [name, isMet] of goals) write(`${isMet ? 'met   ' : 'MISSED'} ${name}`);
  if (goals.some(([, isMet]) => !isMet)) process.exitCode = 1;
}

async function run(): Promise<void> {
  const totals = printGroups();
  const files = installed();
  const { perTenMb } = printOrdinary(files);
  const touched = await printServers(files.filter((file) => /\.(?:md|json|ts|js|txt)$/.test(file)));
  const folder = join(import.meta.dirname, '..', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'detect.json'), `${JSON.stringify(faults, undefined, 2)}\n`);
  const atLeast = (id: string, measure: 'recall' | 'precision', least: number): boolean =>
    (totals.get(id)?.[measure].value ?? 0) >= least;
  printGoals([
    [
      'secrets: recall 95 %, precision 95 %',
      atLeast('secrets', 'recall', 0.95) && atLeast('secrets', 'precision', 0.95),
    ],
    ['pii with check digits: 97 %, 97 %', atLeast('checked', 'recall', 0.97) && atLeast('checked', 'precision', 0.97)],
    ['injection: recall 80 %', atLeast('injection', 'recall', 0.8)],
    ['injection: 2 % of hard negatives', (totals.get('injection')?.falsePositives.value ?? 1) <= 0.02],
    ['secrets: 1 false finding in 10 MB', (perTenMb.get('secrets')?.value ?? 9) < 1],
    ['pii: 1 false finding in 10 MB', (perTenMb.get('pii')?.value ?? 9) < 1],
    ['results of tools: 1 % touched', touched.value <= 0.01],
  ]);
  write(`misses and false positives: bench/results/detect.json (${faults.length})`);
}

if (process.argv.includes('--speed')) printSpeed(write);
else await run();
