/** `npm run conformance -- --auth`: what of OAuth is run, in which direction, and the table of it. */
import { join } from 'node:path';
import { grantScenarios, resourceServerScenarios, type UpstreamSession } from './auth-scenarios.ts';
import { runWithClient } from './client-scenarios.ts';
import { type Checks, type Count, countOf, countText, countWidth, type Loss, losses } from './suite.ts';

interface Part {
  readonly title: string;
  readonly scenarios: readonly string[];
  readonly way: UpstreamSession;
  /** Compared with a client that has no gateway before it; else every check has to pass. */
  readonly compared: boolean;
}

const parts: readonly Part[] = [
  {
    title: 'The gateway as OAuth client, with its own credentials',
    scenarios: grantScenarios,
    way: 'grants',
    compared: false,
  },
  {
    title: 'The gateway as resource server, for an SDK client that authorizes',
    scenarios: resourceServerScenarios,
    way: 'resource-server',
    compared: true,
  },
];

/** Losses that are right. One that passes is as much a surprise as any other loss. */
const expected: Readonly<Record<string, string>> = {
  'metadata-var2:resource-parameter-matches-prm':
    'the server of this scenario calls itself by its origin, and a gateway names the endpoint that clients use',
};

export interface AuthRow {
  readonly part: string;
  readonly scenario: string;
  readonly direct?: Count;
  readonly through: Count;
  readonly lost: readonly Loss[];
  readonly accepted: readonly Loss[];
}

const clientFile = join(import.meta.dirname, 'auth-client.ts');

function run(scenario: string, way: UpstreamSession): ReturnType<typeof runWithClient> {
  return runWithClient(scenario, '2026-07-28', [clientFile, '--way', way]);
}

/** Where a client must not go on it ends with an error, so what it does directly is the measure. */
async function runScenario({ title, way, compared }: Part, scenario: string): Promise<AuthRow> {
  const without = compared ? await run(scenario, 'direct') : undefined;
  const { checks: through, clientFailed } = await run(scenario, way);
  const direct = without?.checks;
  const all = direct === undefined ? failures(through) : losses(direct, through).filter(({ failed }) => failed);
  if (clientFailed && without?.clientFailed !== true)
    all.push({ check: `${scenario.slice(5)}:client`, message: 'the client ended with an error', failed: true });
  const unexpected = all.filter(({ check }) => expected[check] === undefined);
  const vanished = Object.keys(expected).filter(
    (check) => check.startsWith(`${scenario.slice(5)}:`) && all.every((loss) => loss.check !== check),
  );
  return {
    part: title,
    scenario,
    ...(direct === undefined ? {} : { direct: countOf(direct) }),
    through: countOf(through),
    lost: [
      ...unexpected,
      ...vanished.map((check) => ({ check, message: 'passes, though auth.ts says why it cannot', failed: true })),
    ],
    accepted: all.flatMap((loss) => {
      const message = expected[loss.check];
      return message === undefined ? [] : [{ ...loss, message }];
    }),
  };
}

function failures(checks: Checks): Loss[] {
  return [...checks].flatMap(([check, { state, message }]) =>
    state === 'failed' ? [{ check, message, failed: true }] : [],
  );
}

/** Prints a row for each scenario as it ends. */
export async function runAuth(say: (line: string) => void): Promise<readonly AuthRow[]> {
  const rows: AuthRow[] = [];
  for (const part of parts) {
    say(`\n${part.title}\n`);
    for (const scenario of part.scenarios) {
      const row = await runScenario(part, scenario);
      rows.push(row);
      const counts = [row.direct, row.through].map((count) => countText(count).padEnd(countWidth));
      const cells = [scenario.padEnd(40), ...counts];
      say(`${cells.join(' ')} ${row.lost.length} lost`);
      for (const { check, message } of row.accepted) say(`    ${check}, as expected: ${message}`);
      for (const { check, message } of row.lost) say(`    ${check}: ${message.slice(0, 300)}`);
    }
  }
  return rows;
}
