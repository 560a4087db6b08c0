/** This tree against another commit by the instructions of a call. The order of the loads is the same for both. */
import { setTimeout as pause } from 'node:timers/promises';
import { startGateway } from '../../e2e/harness.ts';
import { type Load, profilesOf } from '../against.ts';
import { sizes, toolName } from '../catalogue.ts';
import { keyHeader, toolCall } from '../message.ts';
import type { Profile } from '../profiles.ts';
import { builtGateway } from '../subjects.ts';
import type { Upstream } from '../upstream.ts';
import { runWrk } from '../wrk.ts';
import { type Counter, type Counts, createCounter } from './counter.ts';

/** Instructions of a call. */
export interface Counted extends Load {
  readonly profile: string;
  readonly here: Counts;
  readonly there: Counts;
}

interface CountOptions {
  /** The other gateway. */
  readonly program: string;
  readonly only: readonly string[] | undefined;
  readonly quick: boolean;
  readonly upstream: Upstream;
  readonly report: (row: Counted) => void;
}

const firstCalls = 500;
/** Of wrk, until it has made its calls: a gateway that was just started may answer none in the first one. */
const maxTurns = 100;
/** Seconds. A gateway that is counted takes ten times as long for a call, and longer until its code is compiled. */
const timeout = 60;
/** Until then the compiler of the engine works. */
const warmUpCalls = { first: 20_000, more: 5_000 };
const countedCalls = 8_000;
/** What a gateway does without calls is not theirs. */
const idleMs = 3_000;
/** What it puts off, such as the index of a log, is done by then. */
const restMs = 1_500;

export async function countAgainst({ program, only, quick, upstream, report }: CountOptions): Promise<void> {
  const loads = quick ? [{ shape: 'json', size: '0.3', connections: 32 } as const] : fullLoads;
  for (const profile of profilesOf(only)) {
    const here = await countLoads({ profile, loads, upstream, program: builtGateway });
    const there = await countLoads({ profile, loads, upstream, program });
    for (const [at, load] of loads.entries()) {
      const [mine, other] = [here[at], there[at]];
      if (mine !== undefined && other !== undefined)
        report({ profile: profile.name, ...load, here: mine, there: other });
    }
  }
}

const fullLoads: readonly Load[] = (['json', 'sse'] as const).flatMap((shape) =>
  (['0.3', '4'] as const).flatMap((size) => [32, 1, 256].map((connections) => ({ shape, size, connections }))),
);

interface Subject {
  readonly profile: Profile;
  readonly loads: readonly Load[];
  readonly program: string;
  readonly upstream: Upstream;
}

async function countLoads({ profile, loads, program, upstream }: Subject): Promise<readonly Counts[]> {
  await using counter = await createCounter();
  const gateway = await startGateway(profile.settings(upstream.url('calls')), {
    prefix: counter.prefix,
    program,
    within: 300_000,
    env: { NODE_ENV: 'production' },
  });
  try {
    const headers = keyHeader(profile.keyed ? gateway.key('bench') : undefined);
    const url = gateway.endpoint('bench');
    const call = async ({ shape, size, connections }: Load, least: number): Promise<Made> => {
      const request = toolCall(toolName(profile.kind, shape, size), headers);
      let made: Made = { calls: 0, seconds: 0 };
      for (let turns = 0; made.calls < least; turns++) {
        const seconds = made.calls === 0 ? 2 : Math.ceil(((least - made.calls) * made.seconds) / made.calls);
        const load = { url, request, connections, seconds: Math.min(seconds, 30), least: sizes[size], timeout };
        const { calls, errors, sample, ...done } = await runWrk(load);
        if (errors > 0 || turns === maxTurns)
          throw new Error(`${errors} of ${calls} answers of ${profile.name} are wrong, such as ${sample}`);
        made = { calls: made.calls + calls, seconds: made.seconds + done.seconds };
      }
      return made;
    };
    const counted: Counts[] = [];
    // A gateway that has compiled nothing yet takes longer for many calls at once than wrk waits.
    for (const load of loads.slice(0, 1)) await call({ ...load, connections: 1 }, firstCalls);
    for (const [at, load] of loads.entries()) {
      await call(load, at === 0 ? warmUpCalls.first : warmUpCalls.more);
      await pause(restMs);
      const idle = await spent(counter, () => pause(idleMs));
      let calls = 0;
      const began = performance.now();
      const busy = await spent(counter, async () => {
        ({ calls } = await call(load, countedCalls));
        await pause(restMs);
      });
      const idleTimes = (performance.now() - began) / idleMs;
      const perCall = (kind: keyof Counts): number => (busy[kind] - idle[kind] * idleTimes) / calls;
      counted.push({ thread: perCall('thread'), process: perCall('process') });
    }
    return counted;
  } finally {
    await gateway.stop();
  }
}

interface Made {
  readonly calls: number;
  readonly seconds: number;
}

async function spent(counter: Counter, act: () => Promise<void>): Promise<Counts> {
  const before = await counter.read();
  await act();
  const after = await counter.read();
  return { thread: after.thread - before.thread, process: after.process - before.process };
}
