import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { countersContract, holdsContract } from '../../../test/support/state-contract.ts';
import { openDatabase } from '../../stores/sqlite/driver.ts';
import { sqliteCounters, sqliteHolds } from './counters.ts';

const makeFolder = (): string => temporaryFolder('counters');

countersContract('sqlite', (bounds) => sqliteCounters(openDatabase(makeFolder()), 'test', bounds));
holdsContract('sqlite', (bounds) => sqliteHolds(openDatabase(makeFolder()), 'test', bounds));

const counterBounds = { maxOfOwner: 10, idleMs: 1_000_000 };

/** Adds to two counters at once without end, and says so after the first time. */
const adding = `
  import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../stores/sqlite/driver.ts'))};
  import { sqliteCounters } from ${JSON.stringify(join(import.meta.dirname, 'counters.ts'))};
  const counters = sqliteCounters(openDatabase(process.argv[1]), 'test', ${JSON.stringify(counterBounds)});
  for (let count = 0; ; count++) {
    counters.add([{ owner: 'source', key: 'a' }, { owner: 'identity', key: 'b' }], 1);
    if (count === 0) console.log('began');
  }`;

test('sqlite: counters that are added to at once stay equal, though every process is killed while it adds', async () => {
  const folder = makeFolder();
  const counters = sqliteCounters(openDatabase(folder), 'test', counterBounds);
  const children = [1, 2].map(() =>
    spawn(process.execPath, ['--input-type=module', '--eval', adding, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map((child) => once(child, 'close')));
  const source = counters.read({ owner: 'source', key: 'a' }, 1)?.value ?? 0;
  assert.ok(source >= 2);
  assert.equal(counters.read({ owner: 'identity', key: 'b' }, 1)?.value, source);
});

test('sqlite: two processes share a limit, and a hold that was never given back ends with its lifetime', () => {
  const folder = makeFolder();
  const open = () => sqliteHolds(openDatabase(folder), 'test', { maxKeys: 10, lifetimeMs: 1_000 });
  const [one, two] = [open(), open()];
  assert.ok(one.hold('dana', 2, 0));
  assert.ok(two.hold('dana', 2, 1));
  assert.equal(one.hold('dana', 2, 999), undefined);
  assert.ok(one.hold('dana', 2, 1_000));
  assert.equal(two.held('dana', 1_000), 2);
});

test('sqlite: counters of another name, and holds of another name, are others', () => {
  const database = openDatabase(makeFolder());
  const a = { owner: 'source', key: 'a' };
  sqliteCounters(database, 'test', counterBounds).add([a], 0);
  const others = sqliteCounters(database, 'others', counterBounds);
  assert.deepEqual([others.read(a, 0), others.size(0)], [undefined, 0]);
  const holdBounds = { maxKeys: 1, lifetimeMs: 1_000 };
  assert.ok(sqliteHolds(database, 'test', holdBounds).hold('a', 1, 0));
  assert.ok(sqliteHolds(database, 'others', holdBounds).hold('b', 1, 0));
});

test('sqlite: on a full file several counters are added to, or none of them', () => {
  const database = openDatabase(makeFolder());
  const counters = sqliteCounters(database, 'test', counterBounds);
  const small = { owner: 'source', key: 'a' };
  counters.add([small], 0);
  database.exec(`PRAGMA max_page_count = ${Number(database.prepare('PRAGMA page_count').get()?.['page_count'])}`);
  assert.throws(() => counters.add([small, { owner: 'identity', key: 'x'.repeat(100_000) }], 1), /full/);
  assert.equal(counters.read(small, 1)?.value, 1);
});
