/** What it costs to make records durable. */
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { keepCallsYoung } from '../../gateway/src/process/engine.ts';
import { openAuditLog } from '../../gateway/src/stages/record/audit-log.ts';
import { settleEvery } from '../../gateway/src/stages/record/log/log-files.ts';
import { keyPlaces } from '../../gateway/src/stages/record/open.ts';
import { rounded } from '../table.ts';
import { groupsOf, settledOf, sizeOf, syncTimes } from './disk.ts';
import { end, facts, master, settings } from './log.ts';
import { paced } from './pace.ts';
import { type AuditRow, ms, type Quantiles, quantiles, row } from './row.ts';

/** What half load is: half of the records a second that the log must carry. */
const halfLoad = 10_000;
/** Calls at a steady rate that are measured. */
const measured = 60_000;
/**
 * And before them: code is compiled anew for groups of another size, by threads that on two cores stand in the writer's
 * way for up to five milliseconds after its disk is done (seen in a trace of the scheduler).
 */
const warming = 40_000;

export async function writing(data: string, calls: number, sync: Quantiles): Promise<AuditRow[]> {
  const folder = join(data, 'log');
  // As a gateway does when it starts.
  keepCallsYoung();
  const opened = await openAuditLog({
    folder,
    keys: keyPlaces(data, 'log'),
    master,
    settings,
    onHealth: (problem) => {
      if (problem !== undefined) throw new Error(problem);
    },
  });
  if (!opened.ok) throw new Error(opened.problem);
  const log = opened.value;
  let made = 0;
  /** Milliseconds that the reply waited for its record. */
  const call = async (): Promise<number> => {
    const known = facts(`call-${made++}`);
    await log.intend(known);
    const begin = performance.now();
    await log.end(known, end(), true);
    return performance.now() - begin;
  };
  const best = await bestRate(call, calls);
  const low = await lowLoad(call, folder, Math.min(1_000, calls));
  // What the best rate has left to do in the background is no part of what comes now.
  const patience = performance.now() + 60_000;
  while (settledOf(folder) < 2 * made - 1.5 * settleEvery && performance.now() < patience) {
    await call();
    await pause(100);
  }
  const half = await steadyLoad(call, folder, halfLoad, calls);
  const halfOfBest = await steadyLoad(call, folder, best.perSecond / 2, calls);
  const { rss } = process.memoryUsage();
  await log.close();
  return [
    row('durable records a second, one writer, 1 KiB in full', rounded(best.perSecond), '≥ 20,000'),
    row('data-plane thread for a record', `${rounded(best.cpu, 1)} µs`, '≤ 10 µs'),
    row('syncs of the disk for a call, low load', rounded(low.syncs, 2), '1'),
    row(
      'before-reply adds, low load, p50',
      `${ms(low.p50)}, of which the sync ${ms(sync.p50)}`,
      'one sync and the way to the writer',
    ),
    row('before-reply adds, half load (10,000 records/s), p50 / p99', half, '≤ 4 syncs'),
    row('before-reply adds, half of the best rate, p50 / p99', halfOfBest, ''),
    row('bytes on disk a record', rounded(sizeOf(folder) / (2 * made)), ''),
    row('memory of the process while writing', `${rounded(rss / 1024 ** 2)} MiB`, ''),
  ];
}

type Call = () => Promise<number>;

async function many(call: Call, count: number, clients: number): Promise<void> {
  let left = count;
  const client = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: clients }, client));
}

/** Records a second, and microseconds of the data-plane thread for one. */
async function bestRate(call: Call, calls: number): Promise<{ readonly perSecond: number; readonly cpu: number }> {
  await many(call, Math.min(5_000, calls), 256);
  const cpu = process.threadCpuUsage();
  const begin = performance.now();
  await many(call, calls, 256);
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.threadCpuUsage(cpu);
  return { perSecond: (2 * calls) / seconds, cpu: (user + system) / (2 * calls) };
}

/** One call after another. */
async function lowLoad(call: Call, folder: string, calls: number): Promise<Quantiles & { readonly syncs: number }> {
  const before = groupsOf(folder).count;
  const times: number[] = [];
  for (let index = 0; index < calls; index++) times.push(await call());
  return { ...quantiles(times), syncs: (groupsOf(folder).count - before) / calls };
}

/** Beside the syncs of a file of the same disk that grows by as much. */
async function steadyLoad(call: Call, folder: string, perSecond: number, calls: number): Promise<string> {
  const before = groupsOf(folder);
  const times = quantiles(await paced(call, perSecond / 2, warming, Math.min(calls, measured)));
  const after = groupsOf(folder);
  const bytes = Math.round((after.bytes - before.bytes) / (after.count - before.count));
  const own = syncTimes(dirname(folder), Math.min(5_000, calls), bytes);
  const disk = `p99 of the disk's own ${ms(own.p99)}, ${rounded(bytes / 1024)} KiB each`;
  return `${ms(times.p50)} / ${ms(times.p99)} = ${rounded(times.p99 / own.p99, 1)} syncs (${disk})`;
}
