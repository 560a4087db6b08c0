/** The client scenarios of the suite that need no authorization server, run with and without a gateway between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../process.ts';
import { type Checks, type RequirementSet, readChecks, suiteFile } from './suite.ts';

export const clientScenarios: Readonly<Record<RequirementSet, readonly string[]>> = {
  '2025-11-25': ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry'],
  '2026-07-28': [
    'tools_call',
    'request-metadata',
    'http-standard-headers',
    'http-custom-headers',
    'http-invalid-tool-headers',
    'json-schema-ref-no-deref',
    'sep-2322-client-request-state',
  ],
};

const clientFile = join(import.meta.dirname, 'client.ts');

export async function runClientScenario(
  scenario: string,
  options: { readonly set: RequirementSet; readonly through: boolean },
): Promise<Checks> {
  const client = [clientFile, ...(options.through ? ['--through'] : [])] as const;
  return (await runWithClient(scenario, options.set, client)).checks;
}

/** `client`: the file that drives the scenario, and its arguments before the URL. `clientFailed`: it did not end well. */
export async function runWithClient(
  scenario: string,
  set: RequirementSet,
  client: readonly [string, ...string[]],
): Promise<{ readonly checks: Checks; readonly clientFailed: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-conformance-'));
  const command = [process.execPath, ...client].join(' ');
  try {
    // Scenarios of extensions are on no version's list, so the suite has to be told twice.
    const select = ['--scenario', scenario, '--spec-version', set, '--force'];
    const run = await runToEnd({
      command: [process.execPath, suiteFile, 'client', '--command', command, ...select, '-o', folder],
      within: 60_000,
    });
    if (run.code !== 0 && run.code !== 1) throw new Error(`the suite ended with ${run.code}\n${run.stderr}`);
    const clientFailed = /Client exited with code/.test(run.stdout + run.stderr);
    return { checks: await readChecks(folder), clientFailed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
