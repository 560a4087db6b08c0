/** The data plane's side of the log: waiting, back-pressure, and what happens while the disk does not work. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { callerNamed, endOf, factsOf, fullCapture, master, temporaryData } from '../../../test/support/audit-log.ts';
import type { AuditEvent } from '../../pipeline/contracts/audit.ts';
import { type GatewayAuditLog, openAuditLog } from './audit-log.ts';
import { Authentications } from './authentications.ts';
import { readGroup, segmentName } from './log/segment.ts';
import { keyPlaces } from './open.ts';
import { LogReader } from './read/log-reader.ts';
import type { AuditSettings } from './settings.ts';

const settings: AuditSettings = {
  enabled: true,
  durability: 'before-reply',
  onFailure: { read: 'allow', write: 'refuse', destructive: 'refuse' },
  capture: fullCapture,
  retention: {},
  anchors: { every: 3_600_000, files: [], urls: [], witnesses: [], timestamps: [] },
  index: false,
  queue: { records: 256, bytes: 1024 * 1024 },
};

interface Opened {
  readonly log: GatewayAuditLog;
  readonly data: string;
  readonly health: (string | undefined)[];
}

async function open(context: TestContext, more: Partial<AuditSettings> = {}): Promise<Opened> {
  const data = temporaryData();
  const health: (string | undefined)[] = [];
  const opened = await openAuditLog({
    folder: join(data, 'log'),
    keys: keyPlaces(data, 'log'),
    master,
    settings: { ...settings, ...more },
    onHealth: (problem) => health.push(problem),
  });
  assert.ok(opened.ok);
  context.after(() => rmSync(data, { recursive: true, force: true }));
  return { log: opened.value, data, health };
}

function kindsOf(data: string): string[] {
  const reader = new LogReader(join(data, 'log'));
  const size = reader.checkpoint()?.size ?? 0;
  return [...reader.entries(0, size, size)].map(({ entry }) => (JSON.parse(entry.toString()) as { kind: string }).kind);
}

test('what waits is what the settings say', async (context) => {
  const { log } = await open(context);
  const read = factsOf('read', 'dana');
  assert.equal(log.intend(read), undefined);
  const answered = log.end(read, endOf(), true);
  assert.ok(answered instanceof Promise);
  await answered;
  const write = { ...factsOf('write', 'dana'), tier: 'write' as const };
  const intended = log.intend(write);
  assert.ok(intended instanceof Promise);
  await intended;
  log.configure({ ...settings, durability: 'before-forward' });
  await (log.intend(factsOf('forward', 'dana')) ?? assert.fail('it does not wait'));
  log.configure({ ...settings, durability: 'none' });
  assert.equal(log.intend({ ...write, id: 'none' }), undefined);
  assert.equal(log.end(read, endOf(), false), undefined);
  await log.close();
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ended(log: GatewayAuditLog, id: string): Promise<void> {
  return log.end(factsOf(id, 'dana'), endOf(), false) ?? assert.fail('it does not wait');
}

/** How many records each sync made durable, the log's own left out. */
function groupsOf(data: string): number[] {
  const folder = join(data, 'log');
  const bytes = readFileSync(join(folder, 'segments', segmentName(0)));
  const groups: number[] = [];
  for (let at = 0; ; ) {
    const group = readGroup((offset, length) => bytes.subarray(offset, offset + length), at);
    if (typeof group === 'string') return groups.filter((records) => records > 0);
    groups.push(group.records.filter(({ entry }) => entry.includes('"kind":"exchange"')).length);
    at = group.end;
  }
}

test('a group grows while every turn brings a record, but not for ever', async (context) => {
  const { log, data } = await open(context);
  const calls: Promise<void>[] = [];
  for (let index = 0; index < 100; index++) {
    calls.push(ended(log, `call-${index}`));
    await turn();
  }
  await Promise.all(calls);
  await log.close();
  const [first = 0] = groupsOf(data);
  assert.ok(first > 1 && first <= 16, `the first group has ${first} records`);
});

test('a group that has enough records does not wait for more', async (context) => {
  const { log, data } = await open(context);
  const calls: Promise<void>[] = [];
  for (let index = 0; index < 3; index++) {
    for (let each = 0; each < 64; each++) calls.push(ended(log, `${index}-${each}`));
    await turn();
  }
  await Promise.all(calls);
  await log.close();
  assert.equal(groupsOf(data)[0], 64);
});

test('a log that is closed while the writer still makes its first record durable is closed', async (context) => {
  for (let round = 0; round < 20; round++) {
    const { log, data } = await open(context, { durability: 'none' });
    assert.equal(log.end(factsOf('only', 'dana'), endOf(), false), undefined);
    await log.close();
    assert.ok(kindsOf(data).includes('exchange'));
  }
});

test('a log that cannot publish says so, ends when it is closed, and leaves the folder alone then', async (context) => {
  const { log, data, health } = await open(context);
  await ended(log, 'first');
  const drafts = join(data, 'log', 'drafts');
  // In one step, whatever is being written there just now.
  renameSync(drafts, `${drafts}.away`);
  writeFileSync(drafts, '');
  await ended(log, 'second');
  while (log.health().ok) await turn();
  assert.match(health.at(-1) ?? '', /ENOTDIR|ENOENT/);
  await log.close();
  rmSync(drafts);
  const again = await openAuditLog({
    folder: join(data, 'log'),
    keys: keyPlaces(data, 'log'),
    master,
    settings,
    onHealth: () => {},
  });
  assert.ok(again.ok);
  await again.value.close();
  assert.equal(kindsOf(data).filter((kind) => kind === 'exchange').length, 2);
});

test('a full queue makes calls wait, and loses nothing', async (context) => {
  const { log, data } = await open(context);
  // Four times what the queue holds, all at once.
  const calls = Array.from({ length: 1_024 }, (_, call) => log.end(factsOf(`call-${call}`, 'dana'), endOf(), false));
  assert.ok(calls.every((each) => each instanceof Promise));
  await Promise.all(calls);
  await log.close();
  assert.equal(kindsOf(data).filter((kind) => kind === 'exchange').length, 1_024);
});

test('while the disk does not work calls are refused or let through by tier, and written when it does', async (context) => {
  const { log, data, health } = await open(context);
  await log.end(factsOf('before', 'dana'), endOf(), false);
  // The next segment cannot be made where a file stands in the way of its folder; root could write anywhere else.
  const keys = keyPlaces(data, 'log').subjects;
  renameSync(keys, `${keys}.away`);
  mkdirSync(keys);
  const write = { ...factsOf('write', 'eve'), tier: 'write' as const };
  await assert.rejects(log.intend(write) ?? assert.fail('it does not wait'), /records cannot be written: EISDIR/);
  const state = log.health();
  assert.ok(!state.ok && /EISDIR/.test(state.problem));
  assert.equal(log.intend(factsOf('read', 'eve')), undefined);
  await assert.rejects(log.intend({ ...write, id: 'again' }) ?? assert.fail('it does not wait'), /EISDIR/);
  rmSync(keys, { recursive: true });
  renameSync(`${keys}.away`, keys);
  await works(log);
  assert.equal(health.at(-1), undefined);
  assert.deepEqual(log.health(), { ok: true });
  await log.close();
  assert.equal(kindsOf(data).filter((kind) => kind === 'intent').length, 3);
});

/** Resolves when the log writes again: it tries once a second by itself. */
async function works(log: GatewayAuditLog): Promise<void> {
  while (!log.health().ok) await turn();
}

test('the queue of a disk that does not come back is bounded, and what did not fit is counted', async (context) => {
  const { log, data } = await open(context);
  await log.end(factsOf('before', 'dana'), endOf(), false);
  const keys = keyPlaces(data, 'log').subjects;
  renameSync(keys, `${keys}.away`);
  mkdirSync(keys);
  const first = log.intend({ ...factsOf('first', 'eve'), tier: 'write' });
  await assert.rejects(first ?? assert.fail('it does not wait'));
  for (let call = 0; call < 1_000; call++) assert.equal(log.intend(factsOf(`call-${call}`, 'eve')), undefined);
  rmSync(keys, { recursive: true });
  renameSync(`${keys}.away`, keys);
  await works(log);
  await log.close();
  const kinds = kindsOf(data);
  const kept = kinds.filter((kind) => kind === 'intent').length;
  assert.ok(kept >= 250 && kept <= 257, `${kept}`);
  assert.equal(kinds.filter((kind) => kind === 'lost').length, 1);
});

test('failed authentications are counted beyond ten a minute, from at most sixteen addresses', () => {
  const events: AuditEvent[] = [];
  const authentications = new Authentications((event) => events.push(event));
  const { caller: _caller, ...facts } = factsOf('x', 'dana', 1_000);
  for (let attempt = 0; attempt < 10_000; attempt++)
    authentications.failed(
      { ...facts, address: `192.0.2.${attempt % 100}` },
      { ...endOf(), outcome: 'refused', reason: 'credentials-invalid' },
    );
  authentications.close();
  assert.equal(events.length, 11);
  const last = events.at(-1);
  assert.deepEqual(last?.detail, { count: 9_990, since: 1_000, reasons: { 'credentials-invalid': 9_990 } });
  assert.equal(last?.address?.split(', ').length, 16);
});

test('a credential in use is recorded once an hour', () => {
  const events: AuditEvent[] = [];
  const authentications = new Authentications((event) => events.push(event));
  const caller = callerNamed('dana');
  for (const at of [0, 1, 3_599_999, 3_600_000]) authentications.succeeded(caller, factsOf('x', 'dana', at));
  assert.deepEqual(
    events.map(({ at }) => at),
    [0, 3_600_000],
  );
});

test('a log of something else is not opened', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  writeFileSync(join(data, 'log'), '');
  const opened = await openAuditLog({
    folder: join(data, 'log'),
    keys: keyPlaces(data, 'log'),
    master,
    settings,
    onHealth: () => {},
  });
  assert.ok(!opened.ok && !opened.locked);
});
