/** The files of a log while they are written: segments that were prepared, crashes in them, and tiles written beside. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { temporaryFolder } from '../../../../test/support/folder.ts';
import { signerOf } from '../keys/signing-key.ts';
import { LogReader } from '../read/log-reader.ts';
import { type Disk, realDisk } from './disk.ts';
import { LogFiles, settleEvery } from './log-files.ts';
import { Frontier, leafHash, rangeHash } from './merkle.ts';
import { LogDamage, rangeReader, segmentsOf } from './recovery.ts';
import { encodeGroup, readGroup, type Stored, segmentName } from './segment.ts';
import { doneBeside } from './steps.ts';
import { partialPaths, tilePath } from './tiles.ts';
import { tileReader } from './tree-files.ts';

const origin = 'sallyport.log/test';
const signer = signerOf(origin, generateKeyPairSync('ed25519').privateKey);
const segmentBytes = 16 * 1024 * 1024;

function open(folder: string, disk: Disk = realDisk): { log: LogFiles; entries: string[]; troubles: string[] } {
  const entries: string[] = [];
  const troubles: string[] = [];
  const onReplay = (seq: number, entry: Buffer): void => void (entries[seq] = entry.toString());
  const onTrouble = (problem: string): void => void troubles.push(problem);
  return { log: new LogFiles({ folder, disk, origin, onReplay, onTrouble }), entries, troubles };
}

function record(seq: number, size = 10): Stored {
  return { entry: Buffer.from(`record ${seq}`), sealed: Buffer.alloc(size, 1 + (seq % 255)) };
}

function append(log: LogFiles, count = 1, size = 10): void {
  const { size: first } = log;
  log.append(Array.from({ length: count }, (_, index) => record(first + index, size)));
  log.integrate();
}

function lastSegment(folder: string): string {
  return join(folder, 'segments', segmentName(segmentsOf(folder).at(-1) ?? 0));
}

/** The index of every record that the segments hold, in order. */
function stored(folder: string): number[] {
  return segmentsOf(folder).flatMap((first, index, firsts) => {
    const file = openSync(join(folder, 'segments', segmentName(first)), 'r');
    const found: number[] = [];
    for (let at = 0; ; ) {
      const group = readGroup(rangeReader(file), at);
      if (typeof group === 'string') break;
      found.push(...group.records.map((_, place) => group.first + place));
      at = group.end;
    }
    closeSync(file);
    return found.filter((seq) => seq < (firsts[index + 1] ?? Number.POSITIVE_INFINITY));
  });
}

/** A log that has written enough to go on in a segment that was prepared, with some records in that. */
async function busyLog(): Promise<{ log: LogFiles; folder: string }> {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  append(log, 9, 1024 * 1024);
  // Everything that is written until then goes where it went before.
  while (statSync(lastSegment(folder)).size !== segmentBytes) {
    append(log);
    await turn();
  }
  append(log, 3);
  return { log, folder };
}

test('a busy log goes on in a segment of zeros, and leaves nothing of them', async () => {
  const { log, folder } = await busyLog();
  const { size } = log;
  assert.equal(statSync(lastSegment(folder)).mode & 0o777, 0o600);
  assert.deepEqual(
    stored(folder),
    Array.from({ length: size }, (_, seq) => seq),
  );
  log.publish(signer, 1);
  await log.close(() => ({}));
  assert.ok(statSync(lastSegment(folder)).size < 1024);
  assert.ok(readdirSync(join(folder, 'segments')).every((name) => name.endsWith('.seg')));
  const again = open(folder);
  assert.equal(again.log.size, size);
  assert.equal(again.log.recovery.cut, 0);
  await again.log.close(() => ({}));
});

test('a segment of zeros that is full is followed by the next one', async () => {
  const { log, folder } = await busyLog();
  const before = segmentsOf(folder).length;
  // The last ones do not fit into what is left of it.
  for (let each = 0; each < 5; each++) append(log, 1, 3_500_000);
  assert.equal(segmentsOf(folder).length, before + 1);
  const full = join(folder, 'segments', segmentName(segmentsOf(folder).at(-2) ?? 0));
  assert.ok(statSync(full).size < segmentBytes);
  // More than any segment holds.
  append(log, 1, segmentBytes + 1);
  append(log);
  assert.deepEqual(
    stored(folder),
    Array.from({ length: log.size }, (_, seq) => seq),
  );
  await log.close(() => ({}));
});

test('after a crash in a segment of zeros the log has every record, and says what was half written', async () => {
  const { log, folder } = await busyLog();
  const { size } = log;
  const group = encodeGroup(size, [record(size), record(size + 1)]);
  const end = readFileSync(lastSegment(folder)).findLastIndex((byte) => byte !== 0) + 1;
  const crashed = (tail: Buffer, behind = 0): { folder: string; cut: number } => {
    const copy = temporaryFolder('log-files');
    cpSync(folder, copy, { recursive: true });
    const path = lastSegment(copy);
    const file = openSync(path, 'r+');
    writeSync(file, tail, 0, tail.length, end + behind);
    closeSync(file);
    const again = open(copy);
    assert.equal(again.log.size, size);
    assert.equal(statSync(path).size, end);
    append(again.log);
    assert.deepEqual(
      stored(copy),
      Array.from({ length: size + 1 }, (_, seq) => seq),
    );
    return { folder: copy, cut: again.log.recovery.cut };
  };
  assert.equal(crashed(Buffer.alloc(0)).cut, 0);
  for (let length = 1; length < group.length; length += 7) {
    const tail = group.subarray(0, length);
    assert.equal(crashed(tail).cut, tail.findLastIndex((byte) => byte !== 0) + 1);
  }
  // A later block was on the disk before the first one.
  assert.equal(crashed(group.subarray(-5), group.length - 5).cut, group.length);
  await log.close(() => ({}));
});

test('a log that cannot prepare segments goes on without', async () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  mkdirSync(join(folder, 'segments', 'next'));
  for (let each = 0; each < 40; each++) {
    append(log, 1, 1024 * 1024);
    await turn();
  }
  assert.deepEqual(
    stored(folder),
    Array.from({ length: 40 }, (_, seq) => seq),
  );
  assert.ok(segmentsOf(folder).length >= 3);
  await log.close(() => ({}));
});

test('a log that ends while it prepares a segment leaves nothing of that, and neither does one that was killed', async () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  append(log, 9, 1024 * 1024);
  await log.close(() => ({}));
  assert.deepEqual(readdirSync(join(folder, 'segments')), [segmentName(0)]);
  writeFileSync(join(folder, 'segments', 'next'), Buffer.alloc(100));
  const again = open(folder);
  assert.deepEqual(readdirSync(join(folder, 'segments')), [segmentName(0)]);
  await again.log.close(() => ({}));
});

/** Tiles and bundles on the disk are those of these records, published as a tree of this size. */
function assertTiles(folder: string, size: number): void {
  const frontier = new Frontier();
  const node = tileReader(folder, size);
  const reader = new LogReader(folder);
  for (let seq = 0; seq < size; seq++) {
    const { entry } = record(seq);
    const leaf = leafHash(entry);
    frontier.add(leaf.toString('latin1'));
    assert.ok(node(0, seq).equals(leaf), `leaf ${seq}`);
    assert.ok(reader.entry(seq, size)?.equals(entry), `entry ${seq}`);
  }
  assert.deepEqual(rangeHash(0, size, node), frontier.root());
}

test('full tiles are written beside, and a checkpoint waits for none of them', async () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  append(log, 1_000);
  // Nothing had time to be written: the one that is on its way is written twice.
  log.publish(signer, 1);
  assertTiles(folder, 1_000);
  append(log, 3_000);
  const last = join(folder, tilePath(0, 14));
  while (!existsSync(last)) await turn();
  log.publish(signer, 1);
  assertTiles(folder, 4_000);
  await log.close(() => ({}));
  assert.deepEqual(readdirSync(join(folder, 'drafts')), []);
});

/** No file can be written that takes another one's place. */
function breakDrafts(folder: string): () => void {
  const drafts = join(folder, 'drafts');
  // A file that is written beside may come while it is removed.
  rmSync(drafts, { recursive: true, maxRetries: 10, retryDelay: 10 });
  writeFileSync(drafts, '');
  return () => {
    rmSync(drafts);
    mkdirSync(drafts);
  };
}

test('a tile that cannot be written beside waits for the checkpoint', async () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  const mend = breakDrafts(folder);
  append(log, 600);
  // Longer than any try takes that does not touch the disk.
  for (let each = 0; each < 100; each++) {
    append(log);
    await turn();
  }
  assert.ok(!existsSync(join(folder, tilePath('entries', 0))));
  assert.throws(() => log.publish(signer, 1), /ENOTDIR/);
  mend();
  log.publish(signer, 1);
  assertTiles(folder, 700);
  await log.close(() => ({}));
});

test('tiles that could not be synced are synced before anything relies on them', async () => {
  const folder = temporaryFolder('log-files');
  const { log, troubles } = open(folder);
  const settled = (): boolean => existsSync(join(folder, 'settled.json'));
  for (let each = 0; each < settleEvery; each += 4_096) append(log, 4_096);
  log.publish(signer, 1);
  // Not the first one, which is being written beside.
  const tile = join(folder, tilePath(0, 5));
  renameSync(tile, `${tile}.away`);
  for (let each = 0; each < 3; each++) {
    log.settle(() => ({}));
    await log.settling();
    assert.ok(!settled());
  }
  assert.equal(troubles.length, 1);
  assert.match(troubles[0] ?? '', /^tiles of the log cannot be synced: ENOENT/);
  renameSync(`${tile}.away`, tile);
  log.settle(() => ({}));
  await log.settling();
  assert.ok(settled());
  assert.equal(log.settled, settleEvery);
  await log.close(() => ({}));
});

test('a log with damage in what is signed is refused and left as it is', async () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  for (let each = 0; each < 10; each++) append(log);
  log.publish(signer, 1);
  await log.close(() => ({}));
  rmSync(join(folder, 'settled.json'));
  const path = lastSegment(folder);
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  assert.throws(() => open(folder), LogDamage);
  assert.deepEqual(readFileSync(path), bytes);
});

test('tiles of which a sync has failed are not relied on', async (context) => {
  const folder = temporaryFolder('log-files');
  const { log, troubles } = open(folder);
  for (let each = 0; each < settleEvery; each += 4_096) append(log, 4_096);
  log.publish(signer, 1);
  const handle = await openFile(join(folder, 'checkpoint'));
  const methods = Object.getPrototypeOf(handle) as { sync: () => Promise<void> };
  await handle.close();
  const failing = context.mock.method(methods, 'sync', () => Promise.reject(new Error('EIO: made up')), { times: 1 });
  for (let each = 0; each < 2; each++) {
    log.settle(() => ({}));
    await log.settling();
  }
  assert.equal(failing.mock.callCount(), 1);
  assert.deepEqual(troubles, ['tiles of the log cannot be synced: EIO: made up']);
  log.publish(signer, 1);
  await log.close(() => ({}));
  assert.ok(!existsSync(join(folder, 'settled.json')));
  // The next opening makes them again.
  const again = open(folder);
  assert.equal(again.log.recovery.replayed, settleEvery);
  await again.log.close(() => ({}));
});

test('a writer that could not wait and failed damages nothing of what is written beside', async () => {
  const folder = temporaryFolder('log-files');
  let failing = false;
  const disk: Disk = {
    ...realDisk,
    writeSync: ((file: number, bytes: Buffer, at: number, length: number, position: number) => {
      if (!failing) return realDisk.writeSync(file, bytes, at, length, position);
      realDisk.writeSync(file, bytes, at, Math.min(7, length), position);
      throw new Error('ENOSPC: made up');
    }) as typeof realDisk.writeSync,
  };
  const { log } = open(folder, disk);
  append(log, 801);
  const beside = doneBeside(log.publishing(signer, 1));
  for (const path of ['tile/0/000', 'tile/entries/003.p/33']) {
    while (!existsSync(join(folder, path))) await turn();
    failing = true;
    assert.throws(() => log.publish(signer, 1), /ENOSPC/);
    failing = false;
  }
  await beside;
  assertTiles(folder, 801);
  append(log, 1_000);
  log.publish(signer, 1);
  await log.close(() => ({}));
  assertTiles(folder, 1_801);
  const again = open(folder);
  assert.equal(again.log.size, 1_801);
  await again.log.close(() => ({}));
});

test('a log goes on wherever it was closed, with no gap between its levels', async () => {
  const folder = temporaryFolder('log-files');
  let size = 0;
  // Level one is empty between 65,536 and 65,791 records, and level two is not.
  for (const next of [1, 255, 256, 257, 65_535, 65_536, 65_547, 65_792, 66_000]) {
    const { log } = open(folder);
    assert.equal(log.size, size);
    while (log.size < next) append(log, Math.min(4_096, next - log.size));
    log.publish(signer, 1);
    await log.close(() => ({}));
    size = next;
  }
  assertTiles(folder, size);
});

test('tiles that cannot be written hold up records before they fill the memory', () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  const mend = breakDrafts(folder);
  assert.throws(() => {
    for (let each = 0; each < 200; each++) append(log, 256);
  }, /ENOTDIR/);
  const { size } = log;
  assert.ok(size >= 128 * 256 && size < 140 * 256, `${size}`);
  mend();
  append(log, 256);
  log.publish(signer, 1);
  assertTiles(folder, size + 256);
});

test('what was not synced when a process ended is synced before anything relies on it', async () => {
  const folder = temporaryFolder('log-files');
  const { log } = open(folder);
  append(log, 5);
  const copy = temporaryFolder('log-files');
  cpSync(folder, copy, { recursive: true });
  await log.close(() => ({}));
  const synced: string[] = [];
  const recording: Disk = {
    ...realDisk,
    fdatasyncSync: (file) => {
      synced.push(readlinkSync(`/proc/self/fd/${file}`));
      realDisk.fdatasyncSync(file);
    },
  };
  const again = open(copy, recording);
  assert.deepEqual(synced, [join(copy, 'segments', segmentName(0))]);
  await again.log.close(() => ({}));
});

test('nothing is left of checkpoints that are not the last one', async () => {
  const folder = temporaryFolder('log-files');
  for (let start = 0; start < 5; start++) {
    const { log } = open(folder);
    append(log, 70);
    log.publish(signer, 1);
    append(log, 30);
    const mend = breakDrafts(folder);
    assert.throws(() => log.publish(signer, 1));
    mend();
    append(log, 3);
    log.publish(signer, 1);
    // As a crash leaves it: it is not closed.
    await log.rest();
    writeFileSync(join(folder, 'drafts', '77'), 'of a process that was killed');
  }
  const { log } = open(folder);
  append(log);
  log.publish(signer, 1);
  const files = readdirSync(join(folder, 'tile'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    files
      .filter((path) => /\.p\/\d+$/.test(path))
      .map((path) => join('tile', path))
      .toSorted(),
    partialPaths(log.size).toSorted(),
  );
  await log.close(() => ({}));
  assert.deepEqual(readdirSync(join(folder, 'drafts')), []);
});

test('an earlier checkpoint of which only a part was written is cut off', () => {
  const folder = temporaryFolder('log-files');
  const history = (): string => {
    const [name = ''] = readdirSync(join(folder, 'checkpoints'));
    return join(folder, 'checkpoints', name);
  };
  const first = open(folder).log;
  append(first);
  const note = first.publish(signer, 60_000);
  const whole = readFileSync(history(), 'utf8');
  assert.equal(whole, `${note}\n`);
  for (const part of [1, 30, whole.length - 1]) {
    writeFileSync(history(), whole + whole.slice(0, part));
    const { log } = open(folder);
    append(log);
    assert.equal(readFileSync(history(), 'utf8').length, whole.length + part);
    const next = log.publish(signer, 120_000);
    assert.equal(readFileSync(history(), 'utf8'), `${whole}${next}\n`);
  }
});

test('a checkpoint is durable before it has its name', async () => {
  const folder = temporaryFolder('log-files');
  const paths = new Map<number, string>();
  const synced = new Set<string>();
  const named: string[] = [];
  const disk: Disk = {
    ...realDisk,
    openSync: (path, ...rest) => {
      const file = realDisk.openSync(path, ...rest);
      paths.set(file, String(path));
      return file;
    },
    fdatasyncSync: (file) => {
      realDisk.fdatasyncSync(file);
      synced.add(paths.get(file) ?? '');
    },
    renameSync: (from, to) => {
      if (String(to) === join(folder, 'checkpoint')) named.push(String(from));
      realDisk.renameSync(from, to);
    },
  };
  const { log } = open(folder, disk);
  append(log, 3);
  log.publish(signer, 1);
  assert.equal(named.length, 1);
  assert.ok(synced.has(named[0] ?? ''));
  await log.close(() => ({}));
});

test('a checkpoint removes nothing of a later one that failed meanwhile and may be tried again', async () => {
  const folder = temporaryFolder('log-files');
  const failing = { rename: false };
  const disk: Disk = {
    ...realDisk,
    renameSync: (from, to) => {
      if (failing.rename && String(to) === join(folder, 'checkpoint')) throw new Error('EIO: made up');
      realDisk.renameSync(from, to);
    },
  };
  const { log } = open(folder, disk);
  append(log, 30);
  log.publish(signer, 1);
  append(log, 10);
  const first = log.publishing(signer, 2);
  let step = first.next();
  append(log, 10);
  failing.rename = true;
  assert.throws(() => log.publish(signer, 3), /EIO/);
  failing.rename = false;
  for (; step.done !== true; step = first.next()) step.value.now();
  assert.equal(log.published, 40);
  for (const path of partialPaths(30)) assert.equal(existsSync(join(folder, path)), false);
  for (const path of [...partialPaths(40), ...partialPaths(50)]) assert.ok(existsSync(join(folder, path)), path);
  log.publish(signer, 4);
  for (const path of partialPaths(40)) assert.equal(existsSync(join(folder, path)), false);
  await log.close(() => ({}));
});
