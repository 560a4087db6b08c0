/** Approvals in bulk: what a list and a decision take among 10,000 that wait, and what it costs calls that 100 operators watch. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openMasterKey } from '../gateway/src/secrets/master-key.ts';
import { approvalDigest, scopeDigest } from '../gateway/src/stages/approve/digest.ts';
import {
  type ApprovalContent,
  approvalBounds,
  openApprovalStore,
  type Request,
} from '../gateway/src/stages/approve/store.ts';
import { openDatabase } from '../gateway/src/stores/sqlite/driver.ts';
import { sizes, toolName } from './catalogue.ts';
import { latencyOf, measure, type Sample } from './measure.ts';
import { toolCall } from './message.ts';
import { stayOnLoadCore } from './places.ts';
import { benchSettings, conditional } from './profiles.ts';
import { builtGateway, startPinned } from './subjects.ts';
import type { Upstream } from './upstream.ts';

export interface ApprovalsRow {
  readonly pending: number;
  /** Milliseconds, seen by the client. */
  readonly list: Times;
  readonly decide: Times;
  /** Milliseconds of one write that is on the disk, in the same folder. */
  readonly sync: Times;
  readonly watchers: number;
  /** Microseconds, of calls while nothing is decided, while something is, and while that is told to all who watch. */
  readonly quiet: { readonly p50: number; readonly p99: number };
  readonly decided: { readonly p50: number; readonly p99: number };
  readonly watched: { readonly p50: number; readonly p99: number };
  /** p99 of calls while it is told to all who watch by that while none watches, of each round. */
  readonly byWatching: { readonly p50: number; readonly low: number; readonly high: number };
  readonly errors: number;
}

interface Times {
  readonly p50: number;
  readonly p99: number;
}

const watchers = 100;
/** Of one operator, as many as may watch at once. */
const watchersOfOne = 16;
/** Milliseconds between two decisions. */
const pauseMs = 100;

export async function runApprovals(
  upstream: Upstream,
  pace: { readonly rounds: number; readonly seconds: number; readonly asked: number },
): Promise<ApprovalsRow> {
  stayOnLoadCore();
  const settings = benchSettings({ url: upstream.url('calls'), keyed: true, rules: conditional });
  const { gateway, headers } = await startPinned(settings, { keyed: true });
  await using _gateway = gateway;
  const data = join(dirname(gateway.config), 'data');
  const tokens = Array.from({ length: Math.ceil(watchers / watchersOfOne) }, (_, index) =>
    tokenOf(gateway.config, `watcher-${index}`),
  );
  const [token = ''] = tokens;
  const api = `${gateway.admin.replace(/\/$/, '')}/api/v1`;
  const ask = async (path: string, method = 'GET'): Promise<{ readonly ms: number; readonly body: string }> => {
    const began = performance.now();
    const response = await fetch(api + path, { method, headers: { authorization: `Bearer ${token}` } });
    const body = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${body}`);
    return { ms: performance.now() - began, body };
  };

  const ids = await fill(data);
  const lists: number[] = [];
  const decisions: number[] = [];
  for (let turn = 0; turn < pace.asked; turn++) {
    lists.push((await ask('/approvals?limit=200')).ms);
    decisions.push((await ask(`/approvals/${ids.pop()}/approve`, 'POST')).ms);
    // Within the rate that one operator has.
    await pause(pauseMs);
  }

  const call = toolCall(toolName('strict', 'json', '0.3'), headers);
  const sample = (): Promise<Sample> =>
    measure({
      url: gateway.endpoint('bench'),
      pid: gateway.pid,
      request: call,
      connections: 8,
      seconds: pace.seconds,
      least: sizes['0.3'],
    });
  await sample();
  const [quiet, decided, watched]: [Sample[], Sample[], Sample[]] = [[], [], []];
  const whileDeciding = async (): Promise<Sample> => {
    const deciding = decideAgain(() => ask(`/approvals/${ids.pop()}/reject`, 'POST'));
    const taken = await sample();
    await deciding.stop();
    return taken;
  };
  for (let round = 0; round < pace.rounds; round++) {
    quiet.push(await sample());
    decided.push(await whileDeciding());
    const streams = await watchFrom(
      `${api}/approvals/watch`,
      Array.from({ length: watchers }, (_, index) => tokens[index % tokens.length] ?? ''),
    );
    watched.push(await whileDeciding());
    streams.kill('SIGKILL');
  }
  return {
    pending: ids.length + pace.asked,
    list: timesOf(lists),
    decide: timesOf(decisions),
    sync: timesOf(syncs(data, pace.asked)),
    watchers,
    quiet: latencyOf(quiet),
    decided: latencyOf(decided),
    watched: latencyOf(watched),
    byWatching: quartilesOf(watched.map(({ p99 }, round) => p99 / (decided[round]?.p99 ?? Number.NaN))),
    errors: [...quiet, ...decided, ...watched].reduce((sum, { errors }) => sum + errors, 0),
  };
}

function timesOf(values: readonly number[]): Times {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

function quartilesOf(values: readonly number[]): ApprovalsRow['byWatching'] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { p50: at(0.5), low: at(0.25), high: at(0.75) };
}

function tokenOf(config: string, name: string): string {
  const run = (...args: readonly string[]): string =>
    execFileSync(process.execPath, [builtGateway, 'operator', ...args, '--config', config], { encoding: 'utf8' });
  run('create', name, '--role', 'approver');
  return run('token', name, '--quiet').trim();
}

/** As many as may wait at once, of many callers. Their records are left out: the log is not what is measured. */
async function fill(data: string): Promise<string[]> {
  const master = openMasterKey(data);
  if (!master.ok) throw new Error(master.problem);
  const database = openDatabase(data);
  const store = openApprovalStore(data, master.key);
  const made: Promise<Request>[] = [];
  try {
    for (let index = 0; index < approvalBounds.pending; index++) {
      const content: ApprovalContent = {
        caller: `agent:caller-${Math.floor(index / approvalBounds.pendingOfOne)}`,
        server: 'bench',
        capability: { type: 'tool', name: 'strict_json_0_3' },
        arguments: { table: 'projects', limit: index, note: 'x'.repeat(1_000) },
        definition: 'a'.repeat(64),
        rule: { connection: 'bench', text: 'hold: strict_*' },
        terms: { quorum: 1, within: 3_600_000, reason: 'optional' },
        place: 'sallyport.yaml:1:1',
        revision: 'a'.repeat(64),
        who: { agent: `caller-${index}` },
      };
      const { place: _place, revision: _revision, who: _who, ...bound } = content;
      const digest = approvalDigest(bound);
      made.push(
        store.request({ content, digest, scope: scopeDigest(bound), waiter: `call-${index}`, now: Date.now() }),
      );
      if (index % 50 !== 0) continue;
      await made.at(-1);
      database.exec('UPDATE approvals SET is_recorded = 1');
    }
    database.exec('UPDATE approvals SET is_recorded = 1');
    return (await Promise.all(made)).map((each, index) => {
      if (!each.ok) throw new Error(`approval ${index}: ${each.reason}`);
      return each.approval.id;
    });
  } finally {
    store.close();
    database.close();
  }
}

function syncs(folder: string, count: number): readonly number[] {
  const file = openSync(join(folder, 'sync-of-bench'), 'w');
  try {
    return Array.from({ length: count }, () => {
      const began = performance.now();
      writeSync(file, Buffer.alloc(4_096));
      fsyncSync(file);
      return performance.now() - began;
    });
  } finally {
    closeSync(file);
  }
}

/** The process that reads the streams, when all are open. */
async function watchFrom(url: string, tokens: readonly string[]): Promise<ChildProcess> {
  const reader = fork(join(import.meta.dirname, 'watchers.ts'), [url, ...tokens]);
  const [said] = await once(reader, 'message', { signal: AbortSignal.timeout(30_000) });
  if (said !== 'open') throw new Error('the streams of those who watch did not open');
  return reader;
}

function decideAgain(decide: () => Promise<unknown>): { readonly stop: () => Promise<void> } {
  const over = new AbortController();
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await decide();
      await pause(pauseMs);
    }
  };
  const running = run();
  return {
    async stop() {
      over.abort();
      await running;
    },
  };
}
