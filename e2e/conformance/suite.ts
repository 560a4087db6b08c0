/** Runs the official conformance suite against one URL and reads what each of its checks said. */
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runToEnd } from '../process.ts';

export const requirementSets = ['2025-11-25', '2026-07-28'] as const;
export type RequirementSet = (typeof requirementSets)[number];

/** By `scenario:check`. A check that a scenario reports several times fails when one of them fails. */
export type Checks = ReadonlyMap<string, Verdict>;

interface Verdict {
  /** `open`: the suite says that it could not, or need not, be tried here. */
  readonly state: 'passed' | 'warned' | 'failed' | 'open';
  readonly message: string;
}

const requireHere = createRequire(import.meta.url);
export const suiteFile = join(
  dirname(requireHere.resolve('@modelcontextprotocol/conformance/package.json')),
  'dist',
  'index.js',
);
const longest = 180_000;

export async function runSuite(url: string, set: RequirementSet): Promise<Checks> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-conformance-'));
  try {
    const run = await runToEnd({
      command: [process.execPath, suiteFile, 'server', '--url', url, '--requirements', set, '-o', folder],
      within: longest,
    });
    // 1 means that some check failed, which is for the comparison to judge.
    if (run.code !== 0 && run.code !== 1) throw new Error(`the suite ended with ${run.code}\n${run.stderr}`);
    const checks = await readChecks(folder);
    if (checks.size === 0) throw new Error(`the suite reported nothing\n${run.stdout}\n${run.stderr}`);
    return checks;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
  readonly details?: { readonly message?: unknown };
}

export async function readChecks(folder: string): Promise<Checks> {
  const checks = new Map<string, Verdict>();
  for (const file of globSync('**/checks.json', { cwd: folder })) {
    const scenario = basename(dirname(file))
      .replace(/^server-/, '')
      .replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    for (const check of JSON.parse(await readFile(join(folder, file), 'utf8')) as readonly Check[]) {
      const key = `${scenario}:${check.id}`;
      const said = check.errorMessage ?? (typeof check.details?.message === 'string' ? check.details.message : '');
      checks.set(key, worse(checks.get(key), { state: stateOf(check.status), message: said }));
    }
  }
  return checks;
}

function stateOf(status: string): Verdict['state'] {
  if (status === 'FAILURE') return 'failed';
  if (status === 'WARNING') return 'warned';
  return status === 'INFO' || status === 'SKIPPED' ? 'open' : 'passed';
}

/** Of several reports of one check, a failure counts before a warning, that before a pass, and a pass before nothing. */
function worse(known: Verdict | undefined, next: Verdict): Verdict {
  const order = ['open', 'passed', 'warned', 'failed'];
  return known !== undefined && order.indexOf(known.state) >= order.indexOf(next.state) ? known : next;
}

export interface Count {
  readonly passed: number;
  readonly warned: number;
  readonly failed: number;
}

export function countOf(checks: Checks): Count {
  const states = [...checks.values()].map((check) => check.state);
  return {
    passed: states.filter((state) => state === 'passed').length,
    warned: states.filter((state) => state === 'warned').length,
    failed: states.filter((state) => state === 'failed').length,
  };
}

export function countText(of: Count | undefined): string {
  return of === undefined ? '—' : `${of.passed} passed, ${of.warned} warned, ${of.failed} failed`;
}

/** Room for the text of a count in a table. */
export const countWidth = 31;

export interface Loss {
  readonly check: string;
  readonly message: string;
  /** False: the suite did not get to it and says why in the same scenario, in which nothing failed. */
  readonly failed: boolean;
}

/** What is worse in `through` than in `direct`: a pass that is none, or a warning that became a failure. */
export function losses(direct: Checks, through: Checks): Loss[] {
  return [...direct]
    .filter(([key, { state }]) => {
      const next = through.get(key)?.state ?? 'open';
      return state === 'passed' ? next !== 'passed' : state === 'warned' && (next === 'failed' || next === 'open');
    })
    .map(([check]) => {
      const of = `${check.split(':')[0] ?? ''}:`;
      const around = [...through].filter(([key]) => key.startsWith(of)).map(([, verdict]) => verdict);
      const own = through.get(check)?.message ?? '';
      const reason =
        own === '' ? around.find((verdict) => verdict.state === 'open' && verdict.message !== '')?.message : own;
      const state = through.get(check)?.state;
      const failed =
        state === 'failed' ||
        state === 'warned' ||
        reason === undefined ||
        around.some((verdict) => verdict.state === 'failed');
      return { check, message: reason ?? 'not reported', failed };
    });
}
