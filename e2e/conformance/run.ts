/**
 * The official conformance suite, directly and through the gateway:
 *   npm run conformance -- [--set 2026-07-28] [--fixture http-dual] [--direct] [--json FILE]
 *   npm run conformance -- --client [--set 2026-07-28] [--direct]     the gateway as the client under test
 *   npm run conformance -- --auth                                     OAuth, in both directions
 *   npm run conformance -- --auth --scenario iss [--set 2026-07-28]   of the accounts of users, some scenarios only
 * Exit code 1 when a check fails or warns through the gateway that passes directly; the bridge between the eras, which has no
 * direct run of its own, is compared with the dual fixture and reported apart. Counted are distinct checks of a scenario; the suite's own totals count repetitions as well.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { runAuth } from './auth.ts';
import { isGood, runAccounts } from './auth-accounts.ts';
import { type Baseline, readBaseline } from './baseline.ts';
import { chosenFixtures, chosenSets, type Fixture, isBridged, runDirect, runThrough } from './cells.ts';
import { clientScenarios, runClientScenario } from './client-scenarios.ts';
import {
  type Checks,
  type Count,
  countOf,
  countText,
  countWidth,
  type Loss,
  losses,
  type RequirementSet,
} from './suite.ts';

const { values } = parseArgs({
  options: {
    set: { type: 'string' },
    fixture: { type: 'string' },
    direct: { type: 'boolean', default: false },
    client: { type: 'boolean', default: false },
    auth: { type: 'boolean', default: false },
    scenario: { type: 'string', default: '' },
    json: { type: 'string', default: 'e2e/conformance/results/latest.json' },
  },
});

interface Row {
  readonly fixture: string;
  readonly set: RequirementSet;
  readonly bridged: boolean;
  readonly direct: Count;
  readonly through?: Count;
  readonly lost: readonly Loss[];
  readonly accepted: readonly Loss[];
  /** Not failed, and not tried either: the suite saw no occasion, and says why. */
  readonly untried: readonly Loss[];
  readonly problem?: string;
}

const none = { lost: [], accepted: [], untried: [] };

function sorted(all: readonly Loss[], baseline: Baseline): Pick<Row, 'lost' | 'accepted' | 'untried'> {
  const open = all.filter((loss) => !baseline.accepts(loss.check));
  return {
    lost: open.filter((loss) => loss.failed),
    accepted: all.filter((loss) => baseline.accepts(loss.check)),
    untried: open.filter((loss) => !loss.failed),
  };
}

const directRuns = new Map<string, Promise<Checks>>();

/** A bridged cell is measured against the dual fixture: the one form that passes this set by itself. */
function directOf(fixture: Fixture, set: RequirementSet): Promise<Checks> {
  const era = isBridged(fixture, set) ? 'dual' : fixture.era;
  const key = `${era} ${set}`;
  const run = directRuns.get(key) ?? runDirect(era, set);
  directRuns.set(key, run);
  return run;
}

async function runCell(fixture: Fixture, set: RequirementSet, baseline: Baseline): Promise<Row> {
  const direct = await directOf(fixture, set);
  const row = { fixture: fixture.name, set, bridged: isBridged(fixture, set), direct: countOf(direct) };
  if (values.direct) return { ...row, ...none };
  try {
    const through = await runThrough(fixture, set);
    const all = losses(direct, through);
    return {
      ...row,
      through: countOf(through),
      ...sorted(all, baseline),
    };
  } catch (error) {
    return { ...row, ...none, problem: String(error) };
  }
}

/** The longest name of a fixture, or of a client scenario. */
const width = values.client ? 36 : 12;

function print(row: Row): void {
  const verdict = row.problem === undefined ? verdictOf(row) : 'did not run';
  const cells = [
    row.fixture.padEnd(width),
    row.set.padEnd(11),
    (row.bridged ? 'bridge' : 'same').padEnd(7),
    countText(row.direct).padEnd(countWidth),
    countText(row.through).padEnd(countWidth),
    values.direct ? '' : verdict,
  ];
  process.stdout.write(`${cells.join(' ').trimEnd()}\n`);
}

function verdictOf(row: Row): string {
  return `${row.lost.length} lost${row.untried.length === 0 ? '' : `, ${row.untried.length} not tried`}`;
}

function printLosses(title: string, rows: readonly Row[]): void {
  const affected = rows.filter((row) => row.lost.length > 0 || row.problem !== undefined);
  if (affected.length === 0) return;
  process.stdout.write(`\n${title}\n`);
  for (const row of affected) {
    process.stdout.write(`  ${row.fixture}, ${row.set}\n`);
    if (row.problem !== undefined) process.stdout.write(`    ${row.problem.split('\n').slice(0, 4).join('\n    ')}\n`);
    for (const loss of row.lost) process.stdout.write(`    ${loss.check}: ${loss.message.slice(0, 300)}\n`);
  }
}

async function runClientScenarios(sets: readonly RequirementSet[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const set of sets) {
    for (const scenario of clientScenarios[set]) {
      const direct = await runClientScenario(scenario, { set, through: false });
      const through = values.direct ? undefined : await runClientScenario(scenario, { set, through: true });
      const row: Row = {
        fixture: scenario,
        set,
        bridged: false,
        direct: countOf(direct),
        ...(through === undefined ? {} : { through: countOf(through) }),
        ...(through === undefined ? none : sorted(losses(direct, through), { accepts: () => false })),
      };
      rows.push(row);
      print(row);
    }
  }
  return rows;
}

async function runFixtures(sets: readonly RequirementSet[]): Promise<readonly Row[]> {
  const baseline = await readBaseline();
  const rows: Row[] = [];
  for (const fixture of chosenFixtures(values.fixture)) {
    for (const set of sets) {
      // Without a gateway there is no bridge, and stdio has no URL for the suite.
      if (values.direct && (isBridged(fixture, set) || fixture.transport === 'stdio')) continue;
      const row = await runCell(fixture, set, baseline);
      rows.push(row);
      print(row);
    }
  }
  return rows;
}

async function writeResults(rows: readonly unknown[]): Promise<void> {
  await mkdir(dirname(values.json), { recursive: true });
  await writeFile(values.json, `${JSON.stringify({ at: new Date().toISOString(), rows }, null, 2)}\n`);
}

async function main(): Promise<number> {
  if (values.auth) {
    const say = (line: string) => process.stdout.write(`${line}\n`);
    const rows = values.scenario === '' ? await runAuth(say) : [];
    const accounts = await runAccounts(chosenSets(values.set), values.scenario, say);
    await writeResults([...rows, ...accounts]);
    const good = accounts.length > 0 && accounts.every(isGood);
    return !good || rows.some(({ lost, through }) => lost.length > 0 || through.passed === 0) ? 1 : 0;
  }
  const sets = chosenSets(values.set);
  if (chosenFixtures(values.fixture).length === 0 || sets.length === 0) {
    process.stderr.write('conformance: no such fixture or requirement set.\n');
    return 64;
  }
  process.stdout.write(
    `${' '.repeat(width)} set         kind    ${'direct'.padEnd(countWidth)} ${'through the gateway'.padEnd(countWidth)} verdict\n`,
  );
  const rows = values.client ? await runClientScenarios(sets) : await runFixtures(sets);
  const untried = rows.map((row) => ({ ...row, lost: row.untried })).filter((row) => !row.bridged);
  printLosses('Not tried through the gateway, for the reason that the suite gives:', untried);
  const same = rows.filter((row) => !row.bridged);
  printLosses('Lost through the gateway:', same);
  printLosses(
    'Differences of the bridge to the dual fixture (reported, not judged):',
    rows.filter((row) => row.bridged),
  );
  await writeResults(rows);
  return same.some((row) => row.lost.length > 0 || row.problem !== undefined) ? 1 : 0;
}

process.exitCode = await main();
