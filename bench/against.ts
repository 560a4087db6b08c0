/**
 * This tree against another commit, in turns: the same profiles, the same loads, both gateways alive at once. A machine
 * that is slow for a minute is slow for both, so the ratio of neighbouring rounds says more than two runs of the bench.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Shape, type Size, sizes, toolName } from './catalogue.ts';
import { measure, median, type Sample, warmUp } from './measure.ts';
import { toolCall } from './message.ts';
import { type Profile, profiles } from './profiles.ts';
import { builtGateway, type Subject, startPinned } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export interface Comparison {
  readonly profile: string;
  readonly shape: Shape;
  readonly size: Size;
  readonly connections: number;
  readonly thread: Ratio;
  readonly process: Ratio;
}

/** Microseconds of CPU for a call: medians of the rounds; `low` and `high` are the quartiles of the ratios of one round. */
export interface Ratio {
  readonly here: number;
  readonly there: number;
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

interface AgainstOptions {
  readonly commit: string;
  readonly quick: boolean;
  /** Names of profiles; all when not given. */
  readonly only: readonly string[] | undefined;
  readonly upstream: Upstream;
  readonly report: (comparison: Comparison) => void;
  /** Told of a profile that is not compared, such as one whose settings the other commit does not know. */
  readonly skip: (profile: string, why: string) => void;
}

const root = join(import.meta.dirname, '..');
/** Two starts of the same program differ by a tenth, for as long as they run: what its compiler made of it. */
const starts = 3;
/** Of each start and load. */
const rounds = { quick: 5, full: 3 } as const;
const seconds = 1;

export async function runAgainst(options: AgainstOptions): Promise<readonly Comparison[]> {
  await using other = await checkedOut(options.commit);
  const rows: Comparison[] = [];
  for (const profile of profilesOf(options.only)) {
    const pairs = await pairsOf(profile, {
      there: other.program,
      upstream: options.upstream,
      quick: options.quick,
    }).catch((error: unknown) => String(error));
    if (typeof pairs === 'string') {
      options.skip(profile.name, pairs.split('\n').slice(0, 3).join(' '));
      continue;
    }
    for (const { load, pairs: own } of pairs.values()) {
      const row = compared(profile, load, own);
      options.report(row);
      rows.push(row);
    }
  }
  return rows;
}

/** Those with these names; all when none are given. */
export function profilesOf(names: readonly string[] | undefined): readonly Profile[] {
  return profiles.filter(({ name }) => names?.includes(name) ?? true);
}

interface Pairs {
  readonly load: Load;
  readonly pairs: Pair[];
}

/** The rounds of each load, of all starts. Rejects where one of the two does not start. */
async function pairsOf(
  profile: Profile,
  { there: program, upstream, quick }: { readonly there: string; readonly upstream: Upstream; readonly quick: boolean },
): Promise<ReadonlyMap<string, Pairs>> {
  const all = new Map<string, Pairs>();
  for (let start = 0; start < starts; start += 1) {
    await using here = await startOne(profile, builtGateway, upstream);
    await using there = await startOne(profile, program, upstream);
    const subjects = { here: here.subject, there: there.subject };
    const warm = new Set<string>();
    for (const load of quick ? quickLoads : fullLoads(start)) {
      const kind = `${load.shape} ${load.size}`;
      const name = `${kind} ${load.connections}`;
      const own = all.get(name) ?? { load, pairs: [] };
      all.set(name, own);
      const pairing = { rounds: quick ? rounds.quick : rounds.full, isWarm: warm.has(kind) };
      own.pairs.push(...(await measurePairs(load, subjects, pairing)));
      warm.add(kind);
    }
  }
  return all;
}

export type Load = Pick<Comparison, 'shape' | 'size' | 'connections'>;

const quickLoads: readonly Load[] = [
  { shape: 'json', size: '0.3', connections: 32 },
  { shape: 'sse', size: '0.3', connections: 32 },
];
const connectionCounts = [32, 1, 256] as const;

/** What the engine learns at the first number of connections decides how it does the others, so each start has another order. */
function fullLoads(start: number): readonly Load[] {
  const first = start % connectionCounts.length;
  const counts = [...connectionCounts.slice(first), ...connectionCounts.slice(0, first)];
  return (['0.3', '4'] as const).flatMap((size) =>
    counts.flatMap((connections) => [
      { shape: 'json' as const, size, connections },
      { shape: 'sse' as const, size, connections },
    ]),
  );
}

interface Pair {
  readonly here: Sample;
  readonly there: Sample;
}

interface Pairing {
  readonly rounds: number;
  /** Calls of this shape and size have been made. */
  readonly isWarm: boolean;
}

async function measurePairs(
  load: Load,
  { here, there }: Readonly<Record<'here' | 'there', Subject>>,
  { rounds, isWarm }: Pairing,
): Promise<readonly Pair[]> {
  const take = (subject: Subject): Promise<Sample> =>
    measure({
      url: subject.url,
      pid: subject.pid,
      request: toolCall(toolName(subject.kind, load.shape, load.size), subject.headers),
      connections: load.connections,
      seconds,
      least: sizes[load.size],
      rests: true,
    });
  for (const subject of [here, there]) {
    if (isWarm) await take(subject);
    else await warmUp(() => take(subject));
  }
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round += 1)
    if (round % 2 === 0) pairs.push({ here: await take(here), there: await take(there) });
    else {
      const second = await take(there);
      pairs.push({ here: await take(here), there: second });
    }
  return pairs;
}

function compared(profile: Profile, load: Load, pairs: readonly Pair[]): Comparison {
  const wrong = pairs.flatMap((pair) => [pair.here, pair.there]).filter(({ errors }) => errors > 0);
  if (wrong[0] !== undefined) throw new Error(`wrong answers in ${wrong.length} rounds, such as ${wrong[0].wrong}`);
  const ratioOf = (kind: 'threadPerCall' | 'processPerCall'): Ratio => {
    const of = (side: 'here' | 'there') => pairs.map((pair) => pair[side][kind] ?? Number.NaN);
    const [mine, other] = [of('here'), of('there')];
    const ratios = mine.map((value, index) => value / (other[index] ?? Number.NaN)).toSorted((a, b) => a - b);
    const quarter = Math.floor(ratios.length / 4);
    return {
      here: median(mine) ?? Number.NaN,
      there: median(other) ?? Number.NaN,
      ratio: median(ratios) ?? Number.NaN,
      low: ratios[quarter] ?? Number.NaN,
      high: ratios[ratios.length - 1 - quarter] ?? Number.NaN,
    };
  };
  return { profile: profile.name, ...load, thread: ratioOf('threadPerCall'), process: ratioOf('processPerCall') };
}

async function startOne(profile: Profile, program: string, upstream: Upstream) {
  const settings = profile.settings(upstream.url('calls'));
  const { gateway, headers } = await startPinned(settings, { keyed: profile.keyed, program });
  const subject: Subject = {
    name: profile.name,
    note: profile.adds,
    pid: gateway.pid,
    url: gateway.endpoint('bench'),
    kind: profile.kind,
    headers,
  };
  return { subject, [Symbol.asyncDispose]: () => gateway.stop().then(() => undefined) };
}

/** The other commit, installed and compiled in a folder of its own that goes with the run. */
export async function checkedOut(commit: string): Promise<AsyncDisposable & { readonly program: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-against-'));
  try {
    must('git', ['clone', '--quiet', '--shared', '--no-checkout', root, folder], root);
    must('git', ['checkout', '--quiet', '--detach', commit], folder);
    must('npm', ['ci', '--no-audit', '--no-fund', '--silent'], folder);
    must(process.execPath, [join(folder, 'gateway', 'scripts', 'build.ts')], join(folder, 'gateway'));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    program: join(folder, 'bench', 'gateway.js'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function must(command: string, args: readonly string[], cwd: string): void {
  const path = `${join(cwd, 'node_modules', '.bin')}:${process.env.PATH}`;
  const run = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2], env: { ...process.env, PATH: path } });
  if (run.status !== 0) throw new Error(`"${command} ${args.join(' ')}" failed in ${cwd}`);
}
