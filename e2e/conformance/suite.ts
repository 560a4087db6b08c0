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
export type Checks = ReadonlyMap<string, { readonly passed: boolean; readonly message: string }>;

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
}

export async function readChecks(folder: string): Promise<Checks> {
  const checks = new Map<string, { passed: boolean; message: string }>();
  for (const file of globSync('*/checks.json', { cwd: folder })) {
    const scenario = basename(dirname(file))
      .replace(/^server-/, '')
      .replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    for (const check of JSON.parse(await readFile(join(folder, file), 'utf8')) as readonly Check[]) {
      if (check.status === 'INFO' || check.status === 'SKIPPED') continue;
      const key = `${scenario}:${check.id}`;
      const passed = check.status !== 'FAILURE' && (checks.get(key)?.passed ?? true);
      checks.set(key, { passed, message: check.errorMessage ?? checks.get(key)?.message ?? '' });
    }
  }
  return checks;
}

export function countOf(checks: Checks): { readonly passed: number; readonly failed: number } {
  const passed = [...checks.values()].filter((check) => check.passed).length;
  return { passed, failed: checks.size - passed };
}

export interface Loss {
  readonly check: string;
  readonly message: string;
}

/** What passes in `direct` and does not pass in `through`; a check that is missing there did not pass. */
export function losses(direct: Checks, through: Checks): readonly Loss[] {
  return [...direct]
    .filter(([key, check]) => check.passed && through.get(key)?.passed !== true)
    .map(([check]) => ({ check, message: through.get(check)?.message ?? 'not reported' }));
}
