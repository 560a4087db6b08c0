/**
 * The authorization scenarios of the suite with the gateway as the OAuth client under test. Nothing else can run them:
 * their metadata names the server of the suite, so there is no direct run to compare with, and each check counts as it is.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runWithClient } from './client-scenarios.ts';
import { countOf, countText, countWidth, type RequirementSet, suiteFile } from './suite.ts';

const clientFile = join(import.meta.dirname, 'auth-accounts-client.ts');

/** Scored scenarios that may fail, each with its reason. */
const accepted: Readonly<Record<string, string>> = {};

export interface AccountsRow {
  readonly set: RequirementSet;
  readonly scenario: string;
  readonly passed: number;
  readonly warned: number;
  readonly failed: readonly { readonly check: string; readonly message: string }[];
  /** Why it may fail. */
  readonly reason?: string;
}

/** Says a line for each scenario as it ends. `only`: part of the names of the scenarios to run. */
export async function runAccounts(
  sets: readonly RequirementSet[],
  only: string,
  say: (line: string) => void,
): Promise<readonly AccountsRow[]> {
  const rows: AccountsRow[] = [];
  say('\nThe gateway as OAuth client, with the accounts of its users\n');
  for (const set of sets)
    for (const scenario of await scenariosOf(set)) {
      if (!scenario.includes(only)) continue;
      const row = await rowOf(set, scenario);
      rows.push(row);
      const count = countText({ ...row, failed: row.failed.length });
      say(`${scenario.padEnd(40)} ${set}  ${count.padEnd(countWidth)} ${row.reason ?? ''}`.trimEnd());
      for (const { check, message } of row.failed) say(`    ${check}: ${message.slice(0, 300)}`);
    }
  say(`${rows.filter(isGood).length} of ${rows.length} scored scenarios pass`);
  return rows;
}

export function isGood({ failed, reason }: AccountsRow): boolean {
  return failed.length === 0 || reason !== undefined;
}

/** The scored ones: those of extensions stand under a heading of their own, in another form. */
async function scenariosOf(set: RequirementSet): Promise<readonly string[]> {
  const text = await readFile(join(dirname(suiteFile), '..', 'requirements', `${set}.yaml`), 'utf8');
  return [...text.matchAll(/^\s*- (auth\/\S+)\s*$/gm)].map(([, scenario = '']) => scenario);
}

async function rowOf(set: RequirementSet, scenario: string): Promise<AccountsRow> {
  const { checks } = await runWithClient(scenario, set, [clientFile]);
  const failed = [...checks].flatMap(([check, { state, message }]) => (state === 'failed' ? [{ check, message }] : []));
  const { passed, warned } = countOf(checks);
  // A scenario in which nothing was checked has shown nothing.
  const shown = checks.size > 0 ? failed : [{ check: scenario, message: 'nothing was checked' }];
  const reason = shown.length > 0 ? accepted[scenario] : undefined;
  return { set, scenario, passed, warned, failed: shown, ...(reason === undefined ? {} : { reason }) };
}
