import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  callerNamed,
  closeTestLog,
  endOf,
  factsOf,
  openTestLog,
  temporaryData,
} from '../../../../test/support/audit-log.ts';
import { LogReader } from '../read/log-reader.ts';
import { intentMessage, outcomeMessage } from '../record/message.ts';
import { type Dropped, nothingDropped } from './dropped.ts';
import { planRetention } from './plan.ts';
import { Retention } from './retention.ts';
import { excessOf, freeAt, spaceOf } from './space.ts';
import { SpaceWatch } from './space-watch.ts';

const program = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'sallyport-verify.js');
const day = 86_400_000;

function verify(folder: string): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, folder], { encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

/** Segments of 600 records, of which each has a private part, ten days apart. Segments end at 16,384; each opening begins one. */
async function writeSegments(data: string, count: number, clock: { time: number }): Promise<void> {
  for (let segment = 0; segment < count; segment++) {
    const log = await openTestLog(data, { now: () => clock.time });
    for (let call = 0; call < 300; call++) {
      const facts = {
        ...factsOf(`${segment}-${call}`, 'dana', clock.time),
        tier: call % 2 === 0 ? ('read' as const) : ('write' as const),
      };
      log.writer.accept([
        intentMessage({ ...facts, caller: callerNamed('dana') }),
        outcomeMessage(facts, endOf(clock.time)),
      ]);
    }
    log.writer.drain();
    await closeTestLog(log);
    clock.time += 10 * day;
  }
}

function segmentsIn(folder: string): string[] {
  return readdirSync(join(folder, 'segments')).toSorted();
}

test('private parts go by tier and age, bundles later, and what is left verifies', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const clock = { time: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.time;
  await writeSegments(data, 4, clock);
  const log = await openTestLog(data, { now });
  const retention = new Retention(log.folder, log.writer, now);
  const first = await retention.run({ read: 25 * day, write: 35 * day });
  assert.deepEqual(Object.keys(first.tiers), ['read', 'write']);
  assert.ok((first.tiers.read ?? 0) > (first.tiers.write ?? 0));
  assert.equal(verify(log.folder).code, 0, verify(log.folder).text);
  assert.match(verify(log.folder).text, /[1-9]\d* dropped by retention/);
  const again = await retention.run({ read: 25 * day, write: 35 * day });
  assert.deepEqual(again, { tiers: {}, entries: 0 });

  const second = await retention.run({ read: day, write: day, destructive: day, records: 15 * day });
  assert.ok(second.entries >= 256);
  assert.equal(existsSync(join(log.folder, 'tile/entries/000')), false);
  assert.ok(readdirSync(join(log.folder, 'segments')).length < 5);
  await closeTestLog(log);
  const { code, text } = verify(log.folder);
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`the first ${second.entries} records were dropped by retention`));
  // It opens, goes on and verifies.
  const opened = await openTestLog(data, { now });
  opened.writer.accept([intentMessage(factsOf('after', 'dana', clock.time))]);
  opened.writer.drain();
  await closeTestLog(opened);
  assert.equal(verify(log.folder).code, 0);
});

test('a reader that listed the segments before goes on, whatever retention takes meanwhile', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const clock = { time: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.time;
  await writeSegments(data, 1, clock);
  const begun = await openTestLog(data, { now });
  const calls = (tier: 'read' | 'write'): void => {
    for (let call = 0; call < 600; call++)
      begun.writer.accept([intentMessage({ ...factsOf(`${tier}-${call}`, 'dana', clock.time), tier })]);
    begun.writer.drain();
    begun.writer.publish();
  };
  calls('read');
  const reader = new LogReader(begun.folder);
  const dropped = (reader.checkpoint()?.size ?? 0) - 1;
  assert.ok(reader.sealed(dropped).length > 0);
  calls('write');
  const kept = (reader.checkpoint()?.size ?? 0) - 1;
  await closeTestLog(begun);
  clock.time += 10 * day;
  await writeSegments(data, 1, clock);
  const log = await openTestLog(data, { now });
  const retention = new Retention(log.folder, log.writer, now);
  // The segment that was half read is another file now, without what went.
  await retention.run({ read: 15 * day });
  assert.equal(new LogReader(log.folder).sealed(dropped).length, 0);
  assert.ok(reader.sealed(kept).length > 0);
  // And the one before it is none.
  await retention.run({ read: 15 * day, write: 15 * day, destructive: 15 * day });
  assert.equal(reader.sealed(1).length, 0);
  await closeTestLog(log);
});

test('what was said to be dropped is dropped by the next process, if this one did not get to it', async () => {
  const data = temporaryData();
  const clock = { time: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.time;
  await writeSegments(data, 3, clock);
  const ages = { read: day, write: day, destructive: day, records: 15 * day };
  const log = await openTestLog(data, { now });
  const before = segmentsIn(log.folder);
  const last = { tiers: {}, entries: 0 };
  const plan = planRetention({ folder: log.folder, settled: log.writer.settled, ages, now: now(), last });
  assert.ok(plan !== undefined && plan.entries >= 256);
  log.writer.sayDropped(plan);
  // Left by a process that was killed while it rewrote a segment, and before that by one that published.
  writeFileSync(join(log.folder, 'segments', `${before[0]}.new`), 'private parts');
  const stray = join(log.folder, 'tile/entries/000.p');
  mkdirSync(stray, { recursive: true });
  writeFileSync(join(stray, '17'), 'public parts');
  await closeTestLog(log);
  assert.ok(existsSync(join(log.folder, 'tile/entries/000')));
  assert.equal(verify(log.folder).code, 0, 'more than must be there is no lie');

  const next = await openTestLog(data, { now });
  const said = { tiers: plan.tiers, entries: plan.entries };
  assert.deepEqual(next.writer.retention, { said, done: last });
  // Off the disk only now, so this run reports it; what was said stays one record.
  assert.deepEqual(await new Retention(next.folder, next.writer, now).run(ages), said);
  assert.deepEqual(next.writer.retention, { said, done: said });
  assert.equal(existsSync(join(next.folder, 'tile/entries/000')), false);
  assert.equal(existsSync(stray), false);
  assert.deepEqual(
    segmentsIn(next.folder).filter((name) => before.slice(0, 2).includes(name) || name.endsWith('.new')),
    [],
  );
  await closeTestLog(next);
  assert.equal(verify(log.folder).code, 0);
});

test('a segment is rewritten when something of it is due, and not again', async () => {
  const data = temporaryData();
  const clock = { time: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.time;
  await writeSegments(data, 3, clock);
  const log = await openTestLog(data, { now });
  const retention = new Retention(log.folder, log.writer, now);
  const inodeOf = (index: number): number =>
    statSync(join(log.folder, 'segments', segmentsIn(log.folder)[index] ?? '')).ino;
  const before = [inodeOf(0), inodeOf(1)];
  await retention.run({ read: 25 * day });
  const first = [inodeOf(0), inodeOf(1)];
  assert.notEqual(first[0], before[0]);
  assert.equal(first[1], before[1]);
  clock.time += 10 * day;
  await retention.run({ read: 25 * day });
  assert.equal(inodeOf(0), first[0], 'nothing of it has become due since');
  assert.notEqual(inodeOf(1), first[1]);
  await closeTestLog(log);
});

test('records become durable while old ones are dropped, and closing does not wait for that', async () => {
  const data = temporaryData();
  const clock = { time: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.time;
  await writeSegments(data, 3, clock);
  const log = await openTestLog(data, { now });
  const retention = new Retention(log.folder, log.writer, now);
  const state = { over: false };
  const running = retention.run({ read: day }).finally(() => {
    state.over = true;
  });
  let written = 0;
  while (!state.over) {
    log.writer.accept([intentMessage(factsOf(`meanwhile-${written++}`, 'dana', now()))]);
    log.writer.drain();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok((await running).tiers.read);
  assert.ok(written > 1);
  clock.time += 10 * day;
  const interrupted = assert.rejects(retention.run({ read: day, write: day }), /the log is being closed/);
  await retention.close();
  await interrupted;
  await closeTestLog(log);
  assert.equal(verify(log.folder).code, 0, verify(log.folder).text);
});

test('a log that writes little begins a segment a day, so that what is due goes about then', async () => {
  const data = temporaryData();
  const clock = { time: Date.UTC(2030, 0, 1) };
  const log = await openTestLog(data, { now: () => clock.time });
  const retention = new Retention(log.folder, log.writer, () => clock.time);
  let dropped: Dropped = { tiers: {}, entries: 0 };
  for (let quarter = 0; quarter < 6 * 4; quarter++) {
    for (let call = 0; call < 50; call++)
      log.writer.accept([intentMessage(factsOf(`${quarter}-${call}`, 'dana', clock.time))]);
    log.writer.drain();
    clock.time += day / 4;
    const run = await retention.run({ read: 4 * day });
    if ((run.tiers.read ?? 0) > 0) dropped = run;
  }
  // One each half day, which is an eighth of the age.
  const count = segmentsIn(log.folder).length;
  assert.ok(count >= 11 && count <= 13, String(count));
  // Of six days the last four stay, the end of a segment, and a tile that is not full; before them is the log's key.
  const due = dropped.tiers.read ?? 0;
  assert.ok(due >= 2 * 4 * 50 - 100 - 256 && due <= 2 * 4 * 50 + 1, JSON.stringify(dropped));
  await closeTestLog(log);
  assert.equal(verify(log.folder).code, 0);
});

test('what an earlier version said of settled tiles is not read: it is made again', async () => {
  const data = temporaryData();
  await writeSegments(data, 2, { time: Date.UTC(2030, 0, 1) });
  const path = join(data, 'log', 'settled.json');
  const { size } = JSON.parse(readFileSync(path, 'utf8')) as { size: number };
  assert.ok(size > 256);
  writeFileSync(path, JSON.stringify({ size, open: { intents: [], written: 1, kind: 'stop', key: 'k' } }));
  const log = await openTestLog(data);
  await closeTestLog(log);
  assert.equal(verify(log.folder).code, 0, verify(log.folder).text);
});

test('a log that is too large loses the oldest private parts of all tiers, whatever their age, and verifies', async (context) => {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  const clock = { time: Date.UTC(2030, 0, 1) };
  const now = (): number => clock.time;
  await writeSegments(data, 4, clock);
  const log = await openTestLog(data, { now });
  const { used } = spaceOf(log.folder);
  const ages = { size: used - 100_000 };
  const settled = log.writer.settled;
  const last = nothingDropped;
  const plan = planRetention({ folder: log.folder, settled, ages, now: now(), last });
  assert.deepEqual(plan?.because, ['size']);
  assert.equal(plan.entries, 0, 'public parts stay');
  const [read = 0, ...others] = [plan.tiers.read, plan.tiers.write, plan.tiers.destructive];
  assert.deepEqual(others, [read, read]);
  assert.ok(read > 0 && read < settled - 600, 'no more than has to go');
  assert.equal(planRetention({ folder: log.folder, settled, ages: { size: used }, now: now(), last }), undefined);
  // All of it would not be enough.
  const most = planRetention({ folder: log.folder, settled, ages: { size: 1 }, now: now(), last });
  assert.ok((most?.tiers.read ?? 0) > read);

  const retention = new Retention(log.folder, log.writer, now);
  assert.deepEqual((await retention.run(ages)).tiers, plan.tiers);
  assert.ok(spaceOf(log.folder).used <= ages.size);
  assert.deepEqual(await retention.run(ages), nothingDropped, 'it is within its bound');
  await closeTestLog(log);
  assert.equal(verify(log.folder).code, 0, verify(log.folder).text);
});

test('bytes that must go: beyond the size, and below the reserve', () => {
  assert.deepEqual(excessOf({ used: 1_600, free: 3_200 }, {}), { size: 0, reserve: 0 });
  assert.deepEqual(excessOf({ used: 1_600, free: 3_200 }, { size: 1_600, reserve: 3_200 }), { size: 0, reserve: 0 });
  assert.deepEqual(excessOf({ used: 1_601, free: 3_199 }, { size: 1_600, reserve: 3_200 }), {
    size: 101,
    reserve: 201,
  });
});

test('a warning comes at four times the reserve, once, and again after there was room', async () => {
  const said: string[] = [];
  const watch = new SpaceWatch({
    folder: tmpdir(),
    written: () => 0,
    retain: () => Promise.resolve(nothingDropped),
    say: (problem) => said.push(problem),
  });
  const free = freeAt(tmpdir());
  const full = { reserve: Math.ceil(free / 2) };
  for (let look = 0; look < 2; look++) await watch.look(full);
  assert.equal(said.length, 1, said.join('; '));
  assert.match(said[0] ?? '', /^the disk of the log has \d+ MiB left: below \d+ MiB \(audit.retention.reserve\)/);
  await watch.look({ reserve: 1 });
  await watch.look(full);
  assert.equal(said.length, 2);
  // Nothing that could be dropped makes enough room.
  await watch.look({ reserve: 2 * free });
  assert.match(said[2] ?? '', /no arguments or results that could be dropped/);
});
