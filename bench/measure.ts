/** Measures one subject under one load: wrk says calls and latency, /proc says CPU. */
import { setTimeout as pause } from 'node:timers/promises';
import { coreTime, cpuTime, residentMemory, threadTimes } from './cpu.ts';
import type { BenchRequest } from './message.ts';
import { subjectCore } from './places.ts';
import { runWrk } from './wrk.ts';

export interface Sample {
  readonly perSecond: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of CPU for one call; undefined where there is no process of its own. */
  readonly threadPerCall: number | undefined;
  readonly processPerCall: number | undefined;
  /** Of these, what the threads of the log took: its writer, and its index. Zero where there are none. */
  readonly writerPerCall: number | undefined;
  readonly indexPerCall: number | undefined;
  /** Resident memory after the load, in MiB. */
  readonly resident: number | undefined;
  /** Share of the subject's core, 0 to 1, that other processes took: the machine was not the bench's alone. */
  readonly others: number;
  readonly calls: number;
  readonly errors: number;
  readonly wrong: string;
}

export interface Target {
  readonly url: string;
  readonly pid: number | undefined;
  readonly request: BenchRequest;
  readonly connections: number;
  readonly seconds: number;
  readonly least: number;
  /** What the subject puts off, such as the index of a log, is waited for, and its CPU counts: no call is under way then. */
  readonly rests?: true;
}

/** A process rests that works less than one tick of its clock in so long. */
const lookMs = 50;
const restLimitMs = 10_000;

async function rested(pid: number): Promise<void> {
  const ends = performance.now() + restLimitMs;
  let before = Number.NaN;
  for (let now = cpuTime(pid).process; now !== before && performance.now() < ends; now = cpuTime(pid).process) {
    before = now;
    await pause(lookMs);
  }
}

export async function measure(target: Target): Promise<Sample> {
  const before = target.pid === undefined ? undefined : cpuTime(target.pid);
  const threads = target.pid === undefined ? undefined : threadTimes(target.pid);
  const [core, began] = [coreTime(subjectCore), performance.now()];
  const load = await runWrk(target);
  const [worked, elapsed] = [coreTime(subjectCore) - core, (performance.now() - began) * 1e3];
  const atOnce = target.pid === undefined ? undefined : cpuTime(target.pid);
  if (target.pid !== undefined && target.rests === true) await rested(target.pid);
  const after = target.pid === undefined ? undefined : cpuTime(target.pid);
  const threadsAfter = target.pid === undefined ? undefined : threadTimes(target.pid);
  const own = before === undefined || atOnce === undefined ? 0 : atOnce.process - before.process;
  const perCall = (kind: 'thread' | 'process') =>
    before === undefined || after === undefined || load.calls === 0
      ? undefined
      : (after[kind] - before[kind]) / load.calls;
  const perCallOf = (name: string) =>
    threads === undefined || threadsAfter === undefined || load.calls === 0
      ? undefined
      : ((threadsAfter.get(name) ?? 0) - (threads.get(name) ?? 0)) / load.calls;
  return {
    perSecond: load.calls / load.seconds,
    p50: load.p50,
    p99: load.p99,
    threadPerCall: perCall('thread'),
    processPerCall: perCall('process'),
    writerPerCall: perCallOf('sallyport-audit'),
    indexPerCall: perCallOf('sallyport-index'),
    resident: target.pid === undefined ? undefined : residentMemory(target.pid),
    // A subject without a process of its own does not run on this core, so other processes take nothing from it.
    others: target.pid === undefined ? 0 : Math.max(0, worked - own) / elapsed,
    calls: load.calls,
    errors: load.errors,
    wrong: load.sample,
  };
}

/** The compiler is at work for as many calls, whatever the speed of the machine: a warm-up in seconds compares compilers. */
const warmUpCalls = 40_000;
const warmUpLimitMs = 30_000;

export async function warmUp(take: () => Promise<Sample>): Promise<void> {
  const ends = performance.now() + warmUpLimitMs;
  for (let calls = 0; calls < warmUpCalls && performance.now() < ends; ) calls += (await take()).calls;
}

/** Medians of the rounds of one cell. More than one error in a thousand calls makes the cell void. */
export interface Cell extends Omit<Sample, 'wrong'> {
  readonly rounds: number;
  readonly void?: string;
}

const allowedErrors = 0.001;

export function summarise(samples: readonly Sample[]): Cell {
  const calls = samples.reduce((sum, sample) => sum + sample.calls, 0);
  const errors = samples.reduce((sum, sample) => sum + sample.errors, 0);
  const of = (key: 'perSecond' | 'p50' | 'p99' | 'others') => median(samples.map((sample) => sample[key])) ?? 0;
  const known = (key: 'threadPerCall' | 'processPerCall' | 'writerPerCall' | 'indexPerCall' | 'resident') =>
    median(samples.map((sample) => sample[key]).filter((value) => value !== undefined));
  const wrong = samples.find((sample) => sample.wrong !== '')?.wrong ?? '';
  const isVoid = calls === 0 || errors > allowedErrors * calls;
  return {
    rounds: samples.length,
    perSecond: of('perSecond'),
    p50: of('p50'),
    p99: of('p99'),
    others: of('others'),
    threadPerCall: known('threadPerCall'),
    processPerCall: known('processPerCall'),
    writerPerCall: known('writerPerCall'),
    indexPerCall: known('indexPerCall'),
    resident: known('resident'),
    calls,
    errors,
    ...(isVoid ? { void: `${errors} errors in ${calls} calls ${wrong}`.trim() } : {}),
  };
}

/** Medians of latencies, in microseconds. */
export function latencyOf(samples: readonly Sample[]): Pick<Sample, 'p50' | 'p99'> {
  const of = (key: 'p50' | 'p99') => median(samples.map((sample) => sample[key])) ?? Number.NaN;
  return { p50: of('p50'), p99: of('p99') };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return undefined;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}
