/**
 * Seeded, structure-aware inputs to everything that reads what others write:   npm run fuzz -- --minutes 30 [--seed 1]
 * --target <part of a name> runs some targets only; --replay <file> gives one failing input again. Exit code 1 when one
 * was found.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { configuration, secrets } from './checks/files.ts';
import { identity } from './checks/identity.ts';
import { json } from './checks/json.ts';
import { conditions, schemas, uris } from './checks/policy.ts';
import { lines, responses } from './checks/streams.ts';
import { fuzz, type Report, replay } from './engine.ts';
import { inProcess } from './in-process.ts';
import { seeded } from './random.ts';
import type { Target } from './target.ts';
import { httpClients } from './worlds/http-clients.ts';
import { issuers } from './worlds/issuers.ts';
import { servers } from './worlds/servers.ts';
import { stdioClient } from './worlds/stdio-client.ts';
import { verifier } from './worlds/verifier.ts';

const targets: readonly Target[] = [
  ...[json, lines, responses, schemas, uris, conditions, identity, configuration, secrets].map(inProcess),
  httpClients,
  stdioClient,
  servers,
  issuers,
  verifier,
];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function repeat(file: string): Promise<number> {
  const { target: name, inputs } = JSON.parse(await readFile(file, 'utf8')) as { target: string; inputs: string[] };
  const target = targets.find((each) => each.name === name);
  if (target === undefined) throw new Error(`no target is called ${name}`);
  const problem = await replay(
    target,
    inputs.map((input) => Buffer.from(input, 'base64')),
  );
  say(problem ?? 'nothing is wrong');
  return problem === undefined ? 0 : 1;
}

function row(name: string, messages: number, worstMs: number | undefined, failures: number): void {
  const worst = worstMs === undefined ? '-' : worstMs.toFixed(0);
  say(`${name.padEnd(24)}${String(messages).padStart(12)}${worst.padStart(12)}${String(failures).padStart(10)}`);
}

async function all(chosen: readonly Target[], minutes: number, seed: number): Promise<number> {
  const random = seeded(seed);
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-fuzz-'));
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);
  const began = performance.now();
  const reports: Report[] = [];
  say(`seed ${seed}, ${minutes} minutes`);
  say(`${'target'.padEnd(24)}${'messages'.padStart(12)}${'stall ms'.padStart(12)}${'failures'.padStart(10)}`);
  for (const target of chosen) {
    const forMs = (minutes * 60_000 * target.weight) / weights;
    // Each target has its own stream of choices: more of one does not change another.
    const report = await fuzz(target, { random: random.fork(), forMs, folder });
    reports.push(report);
    row(report.name, report.messages, report.worstMs, report.failures.length);
  }
  const failures = reports.flatMap((report) => report.failures);
  const messages = reports.reduce((sum, report) => sum + report.messages, 0);
  row('together', messages, Math.max(...reports.map(({ worstMs }) => worstMs ?? 0)), failures.length);
  say(`seed ${seed}, ${((performance.now() - began) / 60_000).toFixed(1)} minutes`);
  for (const failure of failures) say(`FAILED ${failure}`);
  if (failures.length > 0) return 1;
  await rm(folder, { recursive: true });
  return 0;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    target: { type: 'string', default: '' },
    replay: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const chosen = targets.filter(({ name }) => name.includes(values.target));
if (!(minutes > 0) || !Number.isInteger(seed) || chosen.length === 0) {
  process.stderr.write('usage: fuzz [--minutes <number>] [--seed <number>] [--target <name>] [--replay <file>]\n');
  process.exitCode = 2;
} else process.exitCode = values.replay === undefined ? await all(chosen, minutes, seed) : await repeat(values.replay);
