/** The writer against disks that fail, files that end anywhere, and processes that end at any moment. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  callOf,
  closeTestLog,
  master,
  openTestLog,
  type TestLog,
  temporaryData,
} from '../../../../test/support/audit-log.ts';
import { failingDisk } from '../../../../test/support/failing-disk.ts';
import { keyPlaces } from '../open.ts';
import { LogReader } from '../read/log-reader.ts';
import { openWriter } from './open.ts';

const verifier = join(import.meta.dirname, '..', '..', '..', '..', 'bin', 'sallyport-verify.js');

function dataFor(context: TestContext): string {
  const data = temporaryData();
  context.after(() => rmSync(data, { recursive: true, force: true }));
  return data;
}

interface Kind {
  readonly kind: string;
  readonly id?: string;
  readonly outcome?: string;
  readonly seq: number;
  readonly detail?: Readonly<Record<string, unknown>>;
}

function recordsOf({ folder }: { folder: string }): Kind[] {
  const reader = new LogReader(folder);
  const size = reader.checkpoint()?.size ?? 0;
  return [...reader.entries(0, size, size)].map(({ entry }) => JSON.parse(entry.toString()) as Kind);
}

for (const operation of ['write', 'sync'] as const)
  test(`a disk whose ${operation} fails loses nothing, and the log goes on when it works again`, async (context) => {
    const disk = failingDisk();
    const log = await openTestLog(dataFor(context), { disk });
    log.writer.accept(callOf('one', 'dana'));
    log.writer.drain();
    const { size } = log.writer;
    disk.fail(operation);
    log.writer.accept(callOf('two', 'dana'));
    assert.throws(() => log.writer.commit(), /made up/);
    assert.throws(() => log.writer.commit(), /made up/);
    assert.equal(log.writer.size, size);
    disk.fail(undefined);
    assert.equal(log.writer.drain(), 2);
    await closeTestLog(log);
    assert.deepEqual(
      recordsOf(log).map(({ kind, id, seq }) => [seq, kind, id]),
      [
        [0, 'log-key', undefined],
        [1, 'intent', 'one'],
        [2, 'outcome', 'one'],
        [3, 'intent', 'two'],
        [4, 'outcome', 'two'],
      ],
    );
    // And it opens again, the abandoned segment included.
    const again = await openTestLog(log.data);
    assert.equal(again.writer.size, 5);
    await closeTestLog(again);
  });

test('a checkpoint that cannot be written leaves the one before it in place', async (context) => {
  const disk = failingDisk();
  const log = await openTestLog(dataFor(context), { disk });
  log.writer.drain();
  log.writer.publish();
  const before = readFileSync(join(log.folder, 'checkpoint'), 'utf8');
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  disk.fail('write');
  assert.throws(() => log.writer.publish(), /ENOSPC/);
  assert.equal(readFileSync(join(log.folder, 'checkpoint'), 'utf8'), before);
  disk.fail(undefined);
  assert.ok(log.writer.publish() !== undefined);
  await closeTestLog(log);
});

test('records made durable while a checkpoint is written belong to the next one, and both verify', async (context) => {
  const log = await openTestLog(dataFor(context));
  const verified = (): number => {
    const { stdout } = spawnSync(process.execPath, [verifier, log.folder, '--json'], { encoding: 'utf8' });
    return (JSON.parse(stdout) as { ok: boolean; size: number }).size;
  };
  let call = 0;
  const write = (calls: number): void => {
    for (let each = 0; each < calls; each++) log.writer.accept(callOf(`call-${call++}`, 'dana'));
    log.writer.drain();
  };
  write(100);
  log.writer.publish();
  write(200);
  const { size } = log.writer;
  const published = log.writer.publishBeside();
  // More than a tile each time, so that what was partial when it began is full and gone on with.
  for (let round = 0; round < 10; round++) {
    write(150);
    await turn();
  }
  await published;
  assert.equal(log.writer.published, size);
  assert.ok(log.writer.size > size + 1_000);
  assert.equal(verified(), size);
  log.writer.publish();
  assert.equal(verified(), log.writer.size);
  await closeTestLog(log);
});

test('a checkpoint that a publish in one step has overtaken does not come back', async (context) => {
  const log = await openTestLog(dataFor(context));
  const write = (calls: number): void => {
    for (let call = 0; call < calls; call++) log.writer.accept(callOf(`call-${log.writer.size}-${call}`, 'dana'));
    log.writer.drain();
  };
  write(500);
  const overtaken = log.writer.publishBeside();
  write(40);
  const { size } = log.writer;
  const checkpoint = log.writer.publish() ?? assert.fail('nothing new');
  await overtaken;
  assert.equal(readFileSync(join(log.folder, 'checkpoint'), 'utf8'), checkpoint);
  assert.equal(log.writer.published, size);
  // Of the overtaken one nothing is left.
  const partial = readdirSync(join(log.folder, 'tile'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(partial.filter((path) => /\.p\/\d+$/.test(path)).toSorted(), [
    `0/${String(Math.floor(size / 256)).padStart(3, '0')}.p/${size % 256}`,
    `1/000.p/${Math.floor(size / 256)}`,
    `entries/${String(Math.floor(size / 256)).padStart(3, '0')}.p/${size % 256}`,
  ]);
  await closeTestLog(log);
});

test('a folder that cannot be written is complained about, not crashed on', async (context) => {
  const data = dataFor(context);
  // A file where the folder should be: refused for root as well, unlike a mode.
  writeFileSync(join(data, 'log'), '');
  const opened = await openWriter({
    folder: join(data, 'log'),
    keys: keyPlaces(data, 'log'),
    master,
  });
  assert.ok(!opened.ok && opened.reason === 'unusable');
  assert.match(opened.problem, /cannot be opened/);
});

/** What a crash leaves: a copy of the folder, without closing the log. */
function crash(log: TestLog, context: TestContext): string {
  const data = dataFor(context);
  cpSync(log.data, data, { recursive: true });
  return data;
}

test('after a crash at any byte of the last group the log opens, says so, and has everything before it', async (context) => {
  const log = await openTestLog(dataFor(context));
  log.writer.accept(callOf('kept', 'dana'));
  log.writer.drain();
  log.writer.publish();
  const [name = ''] = readdirSync(join(log.folder, 'segments'));
  const whole = readFileSync(join(log.folder, 'segments', name)).length;
  log.writer.accept(callOf('last', 'dana'));
  log.writer.drain();
  const end = readFileSync(join(log.folder, 'segments', name)).length;
  const crashed = crash(log, context);
  await closeTestLog(log);
  for (let cut = whole; cut < end; cut += 13) {
    const data = dataFor(context);
    cpSync(crashed, data, { recursive: true });
    const path = join(data, 'log', 'segments', name);
    truncateSync(path, cut);
    const left = readFileSync(path).findLastIndex((byte) => byte !== 0) + 1;
    const opened = await openTestLog(data);
    await closeTestLog(opened);
    const records = recordsOf(opened);
    const ids = records.filter(({ kind }) => kind === 'outcome').map(({ id }) => id);
    assert.deepEqual(ids, ['kept'], `cut at ${cut} of ${end}`);
    const recovered = records.find(({ kind }) => kind === 'recovered');
    assert.equal(recovered?.detail?.['cut'], Math.max(0, left - whole));
  }
});

test('a copy of a log that is written in the place of zeros verifies, and so does what a crash leaves', async (context) => {
  const log = await openTestLog(dataFor(context));
  const segments = join(log.folder, 'segments');
  // Text that does not become shorter by compression.
  const text = randomBytes(3 * 256 * 1024).toString('base64');
  const accept = (id: string): void => {
    const [intent, outcome] = callOf(id, 'dana');
    assert.ok(intent !== undefined && outcome !== undefined);
    // Kept as far as the settings allow.
    log.writer.accept([{ ...intent, args: JSON.stringify({ text }) }, outcome]);
    log.writer.drain();
  };
  let calls = 0;
  while (Math.max(...readdirSync(segments).map((name) => statSync(join(segments, name)).size)) < 16 * 1024 * 1024) {
    accept(`call-${calls++}`);
    await turn();
  }
  accept('in the place of zeros');
  log.writer.publish();
  const copy = crash(log, context);
  await closeTestLog(log);
  const verified = (folder: string): unknown => {
    const { stdout } = spawnSync(process.execPath, [verifier, folder, '--json'], { encoding: 'utf8' });
    const { ok, size } = JSON.parse(stdout) as { ok: boolean; size: number };
    return { ok, size };
  };
  const size = 2 * calls + 3;
  assert.deepEqual(verified(join(copy, 'log')), { ok: true, size });
  await closeTestLog(await openTestLog(copy));
  // All that is new is the record that says so.
  assert.deepEqual(verified(join(copy, 'log')), { ok: true, size: size + 1 });
  assert.equal(recordsOf({ folder: join(copy, 'log') }).at(-1)?.kind, 'recovered');
});

test('an intent whose end was lost gets the outcome unknown, once', async (context) => {
  const log = await openTestLog(dataFor(context));
  const [intent, outcome] = callOf('lost', 'dana');
  assert.ok(intent !== undefined && outcome !== undefined);
  log.writer.accept([intent]);
  log.writer.drain();
  const data = crash(log, context);
  await closeTestLog(log);
  for (let start = 0; start < 2; start++) await closeTestLog(await openTestLog(data));
  const ends = recordsOf({ folder: join(data, 'log') }).filter(({ kind }) => kind === 'outcome');
  assert.deepEqual(
    ends.map(({ id, outcome: how }) => [id, how]),
    [['lost', 'unknown']],
  );
});

test('a log whose signed records are gone is not gone on with', async (context) => {
  const log = await openTestLog(dataFor(context));
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  await closeTestLog(log);
  const [name = ''] = readdirSync(join(log.folder, 'segments'));
  truncateSync(join(log.folder, 'segments', name), 40);
  await assert.rejects(openTestLog(log.data), /the checkpoint covers 3 records, and only \d are there/);
});

test('a log that is open is not opened a second time', async (context) => {
  const log = await openTestLog(dataFor(context));
  const { data } = log;
  const opened = await openWriter({
    folder: log.folder,
    keys: keyPlaces(data, 'log'),
    master,
  });
  assert.ok(!opened.ok && opened.reason === 'locked');
  await closeTestLog(log);
  await closeTestLog(await openTestLog(data));
});

test('a signing key that others can read is refused', async (context) => {
  const data = dataFor(context);
  await closeTestLog(await openTestLog(data));
  const path = keyPlaces(data, 'log').signing;
  chmodSync(path, 0o644);
  await assert.rejects(openTestLog(data), /others can read .*\.pem: Run: chmod 600/);
});

test('keys of subjects, and the key that wraps them, are refused when others can read them', async (context) => {
  for (const which of ['wrapping', 'subjects'] as const) {
    const data = dataFor(context);
    const log = await openTestLog(data);
    log.writer.accept(callOf('one', 'dana'));
    log.writer.drain();
    await closeTestLog(log);
    const path = keyPlaces(data, 'log')[which];
    chmodSync(path, 0o640);
    await assert.rejects(openTestLog(data), new RegExp(`others can read ${path}. Run: chmod 600`));
    chmodSync(path, 0o600);
    await closeTestLog(await openTestLog(data));
  }
});

test('erasing is finished at the next start when it was interrupted after the tombstone', async (context) => {
  const log = await openTestLog(dataFor(context));
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  const subjects = readFileSync(keyPlaces(log.data, 'log').subjects);
  log.writer.erase('user:dana');
  const data = crash(log, context);
  await closeTestLog(log);
  // As if the tombstone had been written and the key had not been destroyed yet.
  mkdirSync(join(data, 'keys'), { recursive: true });
  writeFileSync(keyPlaces(data, 'log').subjects, subjects);
  const again = await openTestLog(data);
  assert.equal(again.subjects.find('user:dana'), undefined);
  await closeTestLog(again);
});

test('a message of which no record can be made is counted as lost and delays no other', async (context) => {
  const log = await openTestLog(dataFor(context));
  const [intent = assert.fail()] = callOf('before', 'dana');
  log.writer.accept([{ ...intent, args: 'not JSON', capture: 'redacted' }, ...callOf('after', 'dana')]);
  assert.equal(log.writer.drain(), 3);
  await closeTestLog(log);
  assert.deepEqual(
    recordsOf(log).map(({ kind }) => kind),
    ['log-key', 'lost', 'intent', 'outcome'],
  );
});

/** What the verifier says of a log: nothing when it is whole. */
function liesOf({ folder }: { folder: string }): string {
  return spawnSync(process.execPath, [verifier, folder], { encoding: 'utf8' }).stderr;
}

test('an erasure during which the disk fails is finished when it works again', async (context) => {
  const disk = failingDisk();
  const log = await openTestLog(dataFor(context), { disk });
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  disk.fail('sync', 0);
  assert.throws(() => log.writer.erase('user:dana'), /EIO/);
  log.writer.accept(callOf('two', 'dana'));
  assert.throws(() => log.writer.drain(), /EIO/);
  disk.fail(undefined);
  log.writer.drain();
  log.writer.publish();
  assert.equal(liesOf(log), '');
  const records = recordsOf(log) as (Kind & { subject: string })[];
  const [pseudonym] = records.filter(({ id }) => id === 'one').map(({ subject }) => subject);
  assert.ok(pseudonym !== undefined);
  assert.equal(log.subjects.byPseudonym(pseudonym), undefined);
  // An erased user who comes back gets a new pseudonym.
  assert.ok(records.filter(({ id }) => id === 'two').every(({ subject }) => subject !== pseudonym));
  await closeTestLog(log);
});

test('a key rotation during which the disk fails is finished when it works again', async (context) => {
  const disk = failingDisk();
  const log = await openTestLog(dataFor(context), { disk });
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  log.writer.publish();
  const { privateKey } = generateKeyPairSync('ed25519');
  let taken = 0;
  disk.fail('sync', 0);
  const rotate = (): string => log.writer.rotate(privateKey, () => taken++);
  assert.throws(rotate, /EIO/);
  assert.equal(taken, 0);
  disk.fail(undefined);
  log.writer.drain();
  assert.equal(taken, 1);
  log.writer.accept(callOf('two', 'dana'));
  log.writer.drain();
  log.writer.publish();
  assert.equal(liesOf(log), '');
  await closeTestLog(log);
});

test('a key is handed over where its record stands, also when the clock has gone back', async (context) => {
  let now = 1_000_000;
  const log = await openTestLog(dataFor(context), { now: () => now });
  log.writer.accept(callOf('one', 'dana'));
  log.writer.drain();
  now -= 10_000;
  log.writer.rotate(generateKeyPairSync('ed25519').privateKey);
  now -= 10_000;
  const erased = log.writer.erase('user:dana');
  log.writer.publish();
  assert.equal(recordsOf(log)[erased?.seq ?? 0]?.kind, 'erasure');
  assert.deepEqual(
    recordsOf(log).map(({ kind }) => kind),
    ['log-key', 'intent', 'outcome', 'clock', 'log-key', 'clock', 'erasure'],
  );
  assert.equal(liesOf(log), '');
  await closeTestLog(log);
});

test('more open calls than a group may hold are given up when the log is closed', async (context) => {
  const log = await openTestLog(dataFor(context));
  for (let call = 0; call < 9_000; call++) log.writer.accept(callOf(`call-${call}`, 'dana').slice(0, 1));
  log.writer.drain();
  const data = crash(log, context);
  await closeTestLog(log);
  const again = await openTestLog(data);
  again.writer.drain();
  await closeTestLog(again);
  for (const each of [log, again]) {
    assert.equal(recordsOf(each).filter(({ outcome }) => outcome === 'unknown').length, 9_000);
    assert.equal(liesOf(each), '');
  }
});

test('the folder is given away with nothing under way, also when the log cannot be closed', async (context) => {
  const disk = failingDisk();
  const log = await openTestLog(dataFor(context), { disk });
  for (let call = 0; call < 160; call++) {
    const [intent, outcome] = callOf(`call-${call}`, 'dana');
    assert.ok(intent !== undefined && outcome !== undefined);
    log.writer.accept([{ ...intent, args: JSON.stringify({ text: 'x'.repeat(300_000) }) }, outcome]);
  }
  log.writer.drain();
  const beside = log.writer.publishBeside();
  disk.fail('sync');
  log.writer.accept(callOf('last', 'dana'));
  await assert.rejects(log.writer.close(), /EIO/);
  await beside;
  log.release();
  assert.ok(readdirSync(join(log.folder, 'segments')).every((name) => name.endsWith('.seg')));
  disk.fail(undefined);
  const again = await openTestLog(log.data);
  await closeTestLog(again);
  assert.equal(liesOf(again), '');
});

test('a record that is half written behind the last checkpoint is no lie', async (context) => {
  const log = await openTestLog(dataFor(context));
  log.writer.accept(callOf('signed', 'dana'));
  log.writer.drain();
  log.writer.publish();
  const signed = crash(log, context);
  const path = join(signed, 'log', 'segments', readdirSync(join(signed, 'log', 'segments'))[0] ?? '');
  const before = readFileSync(path).length;
  log.writer.accept(callOf('unsigned', 'dana'));
  log.writer.drain();
  const whole = readFileSync(join(log.folder, 'segments', readdirSync(join(log.folder, 'segments'))[0] ?? ''));
  await closeTestLog(log);
  for (const written of [28, 100, whole.length - before - 1]) {
    const torn = Buffer.concat([whole.subarray(0, before + written), Buffer.alloc(whole.length)]);
    writeFileSync(path, torn);
    assert.equal(liesOf({ folder: join(signed, 'log') }), '', `${written} bytes`);
  }
  // Damage to signed records is still found.
  const damaged = Buffer.from(whole.subarray(0, before));
  damaged[before - 20] = (damaged[before - 20] ?? 0) ^ 1;
  writeFileSync(path, damaged);
  assert.match(liesOf({ folder: join(signed, 'log') }), /is not what was written/);
});

test('of a call that is under way when its caller is erased nothing is kept', async (context) => {
  const log = await openTestLog(dataFor(context));
  const [intent, outcome] = callOf('one', 'dana');
  const [given] = callOf('two', 'dana');
  assert.ok(intent !== undefined && outcome !== undefined && given !== undefined);
  log.writer.accept([intent, given]);
  log.writer.drain();
  await log.writer.settle();
  const erased = log.writer.erase('user:dana');
  log.writer.accept([{ ...outcome, result: '{"content":"about dana"}' }]);
  log.writer.drain();
  assert.equal(log.writer.erase('user:dana'), undefined, 'nothing new was recorded about her');
  await closeTestLog(log);
  assert.equal(liesOf(log), '');
  const records = recordsOf(log) as (Kind & { subject: string; private?: string; result?: unknown })[];
  const ends = records.filter(({ kind }) => kind === 'outcome');
  assert.deepEqual(
    ends.map((record) => [record.id, record.outcome, record.private, record.result, 'about' in record]),
    [
      ['one', 'answered', undefined, undefined, false],
      ['two', 'unknown', undefined, undefined, false],
    ],
  );
  for (const { subject } of ends) assert.notEqual(subject, erased?.pseudonym);
});

test('the files beside a log contain no names', async (context) => {
  const log = await openTestLog(dataFor(context));
  // Enough for a tile that is settled while the calls are under way.
  for (let call = 0; call < 300; call++) log.writer.accept(callOf(`call-${call}`, 'dana').slice(0, 1));
  log.writer.drain();
  await log.writer.settle();
  const settled = readFileSync(join(log.folder, 'settled.json'), 'utf8');
  assert.match(settled, /call-299/);
  assert.doesNotMatch(settled, /dana/);
  await closeTestLog(log);
});
