/** What the evidence log costs and how fast it is read:   npm run bench -- --audit [--quick] */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openAuditLog } from '../gateway/src/audit/audit-log.ts';
import { IndexFile } from '../gateway/src/audit/index/index-file.ts';
import { signerOf } from '../gateway/src/audit/keys/signing-key.ts';
import { realDisk } from '../gateway/src/audit/log/disk.ts';
import { LogFiles, settleEvery } from '../gateway/src/audit/log/log-files.ts';
import { rangeReader, segmentsOf } from '../gateway/src/audit/log/recovery.ts';
import { readGroup, segmentName } from '../gateway/src/audit/log/segment.ts';
import { keyPlaces } from '../gateway/src/audit/open.ts';
import { Archive } from '../gateway/src/audit/read/archive.ts';
import { canonical } from '../gateway/src/audit/record/canonical.ts';
import type { AuditSettings } from '../gateway/src/audit/settings.ts';
import { openWriter } from '../gateway/src/audit/writer/open.ts';
import type { Caller } from '../gateway/src/pipeline/caller.ts';
import type { ExchangeEnd, ExchangeFacts } from '../gateway/src/pipeline/record.ts';
import { rounded, table } from './table.ts';

export interface AuditRow {
  readonly what: string;
  readonly value: string;
  readonly wanted: string;
}

const master = Buffer.alloc(32, 7);
const settings: AuditSettings = {
  enabled: true,
  durability: 'before-reply',
  onFailure: { read: 'refuse', write: 'refuse', destructive: 'refuse' },
  capture: { tiers: { read: 'full', write: 'full', destructive: 'full' }, connections: {}, limit: 65_536 },
  retention: {},
  anchors: { every: 3_600_000, files: [], urls: [], witnesses: [], timestamps: [] },
  index: false,
  queue: { records: 65_536, bytes: 64 * 1024 * 1024 },
};

export async function runAudit({ quick }: { readonly quick: boolean }): Promise<readonly AuditRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-audit-'));
  try {
    const sync = syncTimes(folder, quick ? 200 : 1_000, 2_048);
    const written = await writing(join(folder, 'written'), quick ? 20_000 : 200_000, sync);
    const checked = verification(join(folder, 'written', 'log'));
    const large = await reading(join(folder, 'large'), quick ? 100_000 : 5_000_000);
    return [
      row('fdatasync of this disk, p50 / p99', `${ms(sync.p50)} / ${ms(sync.p99)}`, ''),
      ...written,
      ...checked,
      ...large,
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function auditTable(rows: readonly AuditRow[]): string {
  return table(
    ['evidence log', 'measured', 'wanted'],
    rows.map(({ what, value, wanted }) => [what, value, wanted]),
  );
}

function row(what: string, value: string, wanted: string): AuditRow {
  return { what, value, wanted };
}

function ms(value: number): string {
  return `${rounded(value, 2)} ms`;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

function quantiles(times: readonly number[]): Quantiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** One write and one sync, again and again: what every other number is compared with. */
function syncTimes(folder: string, count: number, size: number): Quantiles {
  const file = openSync(join(folder, 'sync'), 'w');
  const bytes = Buffer.alloc(size, 1);
  const times = Array.from({ length: count }, () => {
    writeSync(file, bytes);
    const begin = performance.now();
    fdatasyncSync(file);
    return performance.now() - begin;
  });
  closeSync(file);
  return quantiles(times);
}

const caller: Caller = {
  user: 'dana',
  agent: 'bench',
  roles: [],
  scopes: [],
  claims: {},
  attributes: {},
  trust: 'standard',
  credential: { kind: 'api-key', id: 'key_bench' },
  key: 'user:dana agent:bench',
};
/** 1 KiB of arguments and 1 KiB of result, kept in full. */
const args = { table: 'projects', limit: 100, text: 'x'.repeat(970) };
const resultText = JSON.stringify({ content: [{ type: 'text', text: 'y'.repeat(970) }] });

function facts(id: string): ExchangeFacts {
  return {
    id,
    at: Date.now(),
    revision: 'f'.repeat(64),
    direction: 'client-to-server',
    transport: 'http',
    era: 'modern',
    method: 'tools/call',
    address: '127.0.0.1',
    caller,
    client: { name: 'bench', version: '1' },
    server: 'bench',
    connections: ['bench'],
    capability: { type: 'tool', name: 'query_data' },
    tier: 'read',
    definition: 'd'.repeat(64),
    arguments: args,
    decision: {
      effect: 'allow',
      reason: 'rule',
      rule: { connection: 'bench', place: 'sallyport.yaml:30:9', text: 'allow * when args.limit <= 100' },
      errors: [],
    },
    bytesIn: 1_200,
  };
}

function end(): ExchangeEnd {
  return { at: Date.now(), outcome: 'answered', resultText, latency: 300, bytesOut: resultText.length };
}

async function writing(data: string, calls: number, sync: Quantiles): Promise<AuditRow[]> {
  const opened = await openAuditLog({
    folder: join(data, 'log'),
    keys: keyPlaces(data, 'log'),
    master,
    settings,
    onHealth: (problem) => {
      if (problem !== undefined) throw new Error(problem);
    },
  });
  if (!opened.ok) throw new Error(opened.problem);
  const log = opened.value;
  let next = 0;
  const call = async (): Promise<number> => {
    const known = facts(`call-${next++}`);
    await log.intend(known);
    const begin = performance.now();
    await log.end(known, end(), true);
    return performance.now() - begin;
  };
  const many = async (count: number, clients: number): Promise<void> => {
    let left = count;
    const client = async (): Promise<void> => {
      while (left-- > 0) await call();
    };
    await Promise.all(Array.from({ length: clients }, client));
  };
  await many(Math.min(5_000, calls), 256);
  const cpu = process.threadCpuUsage();
  const begin = performance.now();
  await many(calls, 256);
  const seconds = (performance.now() - begin) / 1_000;
  const used = process.threadCpuUsage(cpu);
  const perSecond = (2 * calls) / seconds;
  const low: number[] = [];
  const { count } = groupsOf(join(data, 'log'));
  for (let index = 0; index < Math.min(1_000, calls); index++) low.push(await call());
  const syncs = (groupsOf(join(data, 'log')).count - count) / low.length;
  // What the best rate has left to do in the background is no part of what comes now.
  const patience = performance.now() + 60_000;
  while (settledOf(join(data, 'log')) < 2 * next - 1.5 * settleEvery && performance.now() < patience) {
    await call();
    await pause(100);
  }
  const steady: AuditRow[] = [];
  for (const { what, rate, wanted } of [
    { what: 'half load (10,000 records/s)', rate: 10_000, wanted: '≤ 4 syncs' },
    { what: 'half of the best rate', rate: perSecond / 2, wanted: '' },
  ]) {
    const before = groupsOf(join(data, 'log'));
    const times = quantiles(await paced(call, rate / 2, Math.min(calls, 60_000)));
    const after = groupsOf(join(data, 'log'));
    const bytes = Math.round((after.bytes - before.bytes) / (after.count - before.count));
    const own = syncTimes(data, Math.min(5_000, calls), bytes);
    const disk = `p99 of the disk's own ${ms(own.p99)}, ${rounded(bytes / 1024)} KiB each`;
    const syncsOf = rounded(times.p99 / own.p99, 1);
    steady.push(
      row(
        `before-reply adds, ${what}, p50 / p99`,
        `${ms(times.p50)} / ${ms(times.p99)} = ${syncsOf} syncs (${disk})`,
        wanted,
      ),
    );
  }
  const { rss } = process.memoryUsage();
  await log.close();
  const bytes = sizeOf(join(data, 'log'));
  const lowTimes = quantiles(low);
  return [
    row('durable records a second, one writer, 1 KiB in full', rounded(perSecond), '≥ 20,000'),
    row('data-plane thread for a record', `${rounded((used.user + used.system) / (2 * calls), 1)} µs`, '≤ 10 µs'),
    row('syncs of the disk for a call, low load', rounded(syncs, 2), '1'),
    row(
      'before-reply adds, low load, p50',
      `${ms(lowTimes.p50)}, of which the sync ${ms(sync.p50)}`,
      'one sync and the way to the writer',
    ),
    ...steady,
    row('bytes on disk a record', rounded(bytes / (2 * next)), ''),
    row('memory of the process while writing', `${rounded(rss / 1024 ** 2)} MiB`, ''),
  ];
}

/** Records of which the tiles are synced. */
function settledOf(folder: string): number {
  const path = join(folder, 'settled.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { size: number }).size : 0;
}

/** A group of records is what one sync made durable. */
function groupsOf(folder: string): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const first of segmentsOf(folder)) {
    const file = openSync(join(folder, 'segments', segmentName(first)), 'r');
    const read = rangeReader(file);
    let offset = 0;
    for (;;) {
      const group = readGroup(read, offset);
      if (typeof group === 'string') break;
      count++;
      offset = group.end;
    }
    bytes += offset;
    closeSync(file);
  }
  return { count, bytes };
}

/** Milliseconds: as even as a thread can be woken without taking a core from the writer. */
const tick = 0.5;

/** Calls at a steady rate, however long each takes. */
async function paced(call: () => Promise<number>, perSecond: number, count: number): Promise<readonly number[]> {
  const times: number[] = Array.from({ length: count }, () => 0);
  const calls: { started: number; ended: number; done: () => void } = { started: 0, ended: 0, done: () => {} };
  const start = async (): Promise<void> => {
    const index = calls.started++;
    times[index] = await call();
    if (++calls.ended === count) calls.done();
  };
  // Twice as many as are needed, should each come in time.
  const workerData = { every: tick, times: Math.ceil((2_000 * count) / perSecond / tick) };
  const clock = new Worker(new URL('./clock.ts', import.meta.url), { workerData });
  let last: number | undefined;
  let due = 0;
  clock.on('message', () => {
    const now = performance.now();
    // A clock that comes late makes no heap of what it has missed.
    due = Math.min(count, due + (Math.min(now - (last ?? now), 3 * tick) / 1_000) * perSecond);
    last = now;
    while (calls.started < due) void start();
  });
  await new Promise<void>((resolve) => {
    calls.done = resolve;
  });
  await clock.terminate();
  return times;
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

function verification(folder: string): AuditRow[] {
  const program = join(import.meta.dirname, '..', 'gateway', 'bin', 'sallyport-verify.js');
  const begin = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, folder, '--json'], { encoding: 'utf8' });
  const seconds = (performance.now() - begin) / 1_000;
  if (status !== 0) throw new Error(`the log of the bench does not verify: ${stdout}${stderr}`);
  const { size } = JSON.parse(stdout) as { size: number };
  return [row('records verified a second, start included', rounded(size / seconds), '≥ 150,000')];
}

/** A log too large to be made call by call: its records have no private part. */
async function reading(data: string, size: number): Promise<AuditRow[]> {
  const folder = join(data, 'log');
  const first = await openWriter({ folder, keys: keyPlaces(data, 'log'), master, capture: settings.capture });
  if (!first.ok) throw new Error(first.problem);
  const { origin, writer } = first.value;
  writer.drain();
  const { signer } = writer;
  await writer.close();
  first.value.release();
  const before = new LogFiles({ folder, disk: realDisk, origin, onReplay: () => {} });
  for (let seq = before.size; seq < size; ) {
    const records = Array.from({ length: Math.min(4_096, size - seq) }, (_, index) => synthetic(seq + index));
    before.append(records);
    seq += records.length;
    if (seq % 65_536 < 4_096) {
      before.publish(signer, Date.now());
      before.settle(() => ({ intents: [], written: seq, kind: 'stop', key: signer.verifierKey }));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  before.publish(signerOf(origin, signer.privateKey), Date.now());
  await before.close(() => ({ intents: [], written: size, kind: 'stop', key: signer.verifierKey }));

  const begin = performance.now();
  const again = await openWriter({ folder, keys: keyPlaces(data, 'log'), master, capture: settings.capture });
  const opening = performance.now() - begin;
  if (!again.ok) throw new Error(again.problem);
  await again.value.writer.close();
  again.value.release();

  const archive = await Archive.open(folder, keyPlaces(data, 'log'), master);
  const index = new IndexFile(join(data, 'index.db'), archive);
  const indexed = performance.now();
  while (index.catchUp(archive));
  const indexing = (performance.now() - indexed) / 1_000;
  const times: number[] = [];
  for (let round = 0; round < 50; round++)
    for (const words of [
      { server: `server-${round}` },
      { capability: `tool-${round}` },
      { effect: 'deny', server: 'server-1' },
      { outcome: 'refused' },
      { subject: `${round}` },
    ]) {
      const start = performance.now();
      index.search({ words, limit: 50, before: size - round * 1_000 });
      times.push(performance.now() - start);
    }
  index.close();
  const found = quantiles(times);
  const name = size.toLocaleString('en');
  return [
    row(`opening a log of ${name} records`, `${rounded(opening)} ms`, '≤ 2,000 ms'),
    row(`search by an indexed field over ${name}, p50 / p99`, `${ms(found.p50)} / ${ms(found.p99)}`, '≤ 50 ms'),
    row('records indexed a second', rounded(size / indexing), ''),
    row(
      'memory of the process after that',
      `${rounded(process.memoryUsage.rss() / 1024 ** 2)} MiB`,
      'no growth with the log',
    ),
  ];
}

function synthetic(seq: number) {
  const fields = {
    v: 1,
    seq,
    written: seq,
    time: seq,
    kind: 'exchange',
    id: `call-${seq}`,
    subject: String(seq % 5_000),
    method: 'tools/call',
    server: `server-${seq % 97}`,
    capability: { type: 'tool', name: `tool-${seq % 1_009}` },
    decision: { effect: seq % 10 === 0 ? 'deny' : 'allow', reason: 'rule', place: `sallyport.yaml:${seq % 211}:9` },
    outcome: seq % 10 === 0 ? 'refused' : 'answered',
  };
  return { entry: Buffer.from(canonical(fields)), sealed: Buffer.alloc(0) };
}
