/**
 * A gateway that works for a long time:   npm run soak -- --minutes 60 [--seed 1]
 * A third of its best rate, a hostile server beside two good ones, clients that come and go, a reload each minute.
 * Exit code 1 when memory grew, a call to a good server did not get its result, or the evidence does not verify.
 */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { verifierFile } from '../audit/world.ts';
import { memoryOf } from '../faults/stall.ts';
import { seeded } from '../fuzz/random.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { runToEnd, startAnnounced } from '../process.ts';
import { Counts } from './calls.ts';
import { bestRate, keepPace, type Load } from './load.ts';
import { receiveVisitors } from './visitors.ts';

interface Urls {
  readonly modern: string;
  readonly legacy: string;
  readonly hostile: string;
}

const minuteMs = 60_000;
/** Resident memory of the last minutes over that of minutes 8 to 12. */
const maxGrowth = 1.15;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string' } } });
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write('usage: soak [--minutes <number>] [--seed <number>]\n');
  process.exit(2);
}

function startServers() {
  const file = join(import.meta.dirname, 'upstreams.ts');
  return startAnnounced({ command: [process.execPath, file, String(seed)] }, (line) =>
    typeof line === 'object' && line !== null && 'hostile' in line ? (line as Urls) : undefined,
  );
}

function settings({ modern, legacy, hostile }: Urls) {
  return {
    callers: { agents: { soak: { attributes: { minute: 0 } } } },
    servers: {
      modern: { url: modern, tier: 'read', tools: { put: { tier: 'write' } } },
      legacy: { url: legacy, era: 'legacy', tier: 'read', tools: { put: { tier: 'write' } } },
      hostile: { url: hostile, tools: { tool: { additionalArguments: true } } },
    },
    connections: [
      {
        name: 'soak',
        from: { agent: 'soak' },
        to: ['modern', 'legacy', 'hostile'],
        tools: [{ allow: '*', when: 'args.note != "forbidden"' }],
      },
    ],
    bounds: { concurrency: 2_048, firstByte: '10s', total: '15s' },
  };
}

/** Changes an attribute that no rule asks about, and waits until the revision is in force. */
async function reload({ config, child }: Gateway, minute: number): Promise<void> {
  const written = JSON.parse(await readFile(config, 'utf8')) as { callers: { agents: { soak: object } } };
  written.callers.agents.soak = { attributes: { minute } };
  const signal = AbortSignal.timeout(30_000);
  const inForce = (async () => {
    while (child.stderr !== null) {
      const [chunk] = (await once(child.stderr, 'data', { signal })) as [Buffer];
      if (chunk.toString().includes('configuration in force')) return;
    }
  })();
  await writeFile(config, JSON.stringify(written));
  await inForce;
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / Math.max(1, numbers.length);
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** Means of resident memory, one for each minute. A gateway that is gone ends it. */
async function work(load: Load, problems: string[]): Promise<readonly number[]> {
  const { gateway, counts } = load;
  const best = await bestRate(load, 10_000);
  say(`best rate ${best.toFixed(0)} calls/s; going on with ${(best / 3).toFixed(0)}`);
  counts.percentiles();
  const over = new AbortController();
  const visitors = receiveVisitors({ ...load, random: load.random.fork(), signal: over.signal });
  const pace = keepPace(load, best / 3, over.signal);
  const memory: number[] = [];
  say('minute    calls  hostile  given up  errors   RSS MiB   p50 ms   p99 ms');
  for (let minute = 1; minute <= Math.ceil(minutes) && gateway.child.exitCode === null; minute++) {
    const until = performance.now() + Math.min(1, minutes - minute + 1) * minuteMs;
    await reload(gateway, minute).catch((error: unknown) => problems.push(`reload ${minute}: ${String(error)}`));
    const samples: number[] = [];
    while (performance.now() < until && gateway.child.exitCode === null) {
      samples.push(await memoryOf(gateway.pid));
      await pause(Math.max(1, Math.min(2_000, until - performance.now())));
    }
    memory.push(mean(samples));
    const { p50, p99 } = counts.percentiles();
    const row = [counts.calls, counts.hostile, counts.aborted, counts.errors, mebibytes(mean(samples)), p50.toFixed(1)];
    say(
      [String(minute).padStart(6), ...row.map((cell) => String(cell).padStart(8)), p99.toFixed(1).padStart(8)].join(
        ' ',
      ),
    );
  }
  over.abort();
  await Promise.all([visitors, pace]);
  return memory;
}

function memoryProblem(memory: readonly number[]): string | undefined {
  if (memory.length < 17) {
    say('memory: not judged, as that takes 17 minutes');
    return undefined;
  }
  const [early, late] = [mean(memory.slice(7, 12)), mean(memory.slice(-5))];
  const ratio = late / early;
  say(
    `memory: ${mebibytes(early)} MiB in minutes 8 to 12, ${mebibytes(late)} in the last five, ratio ${ratio.toFixed(3)}`,
  );
  return ratio > maxGrowth ? `memory grew to ${ratio.toFixed(3)} of what it was` : undefined;
}

async function stopped({ child }: Gateway): Promise<string | undefined> {
  if (child.exitCode !== null || child.signalCode !== null) return `the gateway had ended: ${child.exitCode}`;
  const gone = once(child, 'exit', { signal: AbortSignal.timeout(60_000) });
  child.kill('SIGTERM');
  const [code] = (await gone.catch(() => ['no end within a minute'])) as [unknown];
  return code === 0 ? undefined : `the gateway ended with ${String(code)} at SIGTERM`;
}

async function verified(folder: string): Promise<string | undefined> {
  const log = join(folder, 'data', 'log');
  const { code, stdout, stderr } = await runToEnd({
    command: [process.execPath, verifierFile, log],
    within: 30 * minuteMs,
  });
  say(`log: ${code === 0 ? 'verified' : 'NOT VERIFIED'}: ${stdout.trim().split('\n').at(-1) ?? ''}`);
  return code === 0 ? undefined : `the log does not verify (${code}): ${stderr.trim()}`;
}

async function soak(folder: string): Promise<readonly string[]> {
  const problems: string[] = [];
  await using servers = await startServers();
  await using gateway = await startGateway(settings(servers.said), { folder });
  gateway.child.stderr?.on('data', (chunk: Buffer) => {
    if (/please report|[Uu]nhandled/.test(chunk.toString()) && problems.length < 20)
      problems.push(`the gateway logged a bug: ${chunk.toString().slice(0, 2_000)}`);
  });
  const counts = new Counts();
  const key = gateway.key('soak');
  const memory = await work({ gateway, key, random: seeded(seed), counts }, problems);
  say('');
  const errors =
    counts.errors === 0 ? undefined : `${counts.errors} unprovoked errors: ${counts.examples.join('\n  ')}`;
  say(`unprovoked errors: ${counts.errors} in ${counts.calls} calls`);
  const others = [errors, memoryProblem(memory), await stopped(gateway), await verified(folder)];
  return [...problems, ...others.filter((problem) => problem !== undefined)];
}

say(`seed ${seed}, ${minutes} minutes`);
const folder = await mkdtemp(join(tmpdir(), 'sallyport-soak-'));
try {
  const problems = await soak(folder);
  for (const problem of problems) say(`WRONG: ${problem}`);
  say(problems.length === 0 ? 'nothing is wrong' : `${problems.length} things are wrong`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
