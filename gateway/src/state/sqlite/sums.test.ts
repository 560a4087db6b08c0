import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { metersContract, sumAt } from '../../../test/support/meters-contract.ts';
import { openDatabase } from '../../stores/sqlite/driver.ts';
import { type Demand } from '../contract/meters.ts';
import { MemoryMeters } from '../memory/meters.ts';
import { openSums, sqliteSums } from './sums.ts';

const onTrouble = (error: unknown): void => {
  throw error;
};
const window = { slotMs: 100, slots: 10 };
const demandAt = (now: number, amount = 1): Demand => ({
  table: 'budget',
  key: 'dana',
  meter: sumAt(now, 10, window),
  amount,
  enforced: true,
});
const metersIn = (folder: string): MemoryMeters =>
  new MemoryMeters({
    maxKeys: 100,
    kept: { sums: openSums(folder), isKept: (table) => table === 'budget', onTrouble },
  });

// The meters of a process that keeps its sums do the same as those of one that does not.
metersContract('kept', (maxKeys) => {
  const sums = sqliteSums(openDatabase(temporaryFolder('sums')));
  return new MemoryMeters({ maxKeys, kept: { sums, isKept: () => true, onTrouble } });
});

test('sums: a process that starts again goes on with what was kept, and with no more than that', () => {
  const folder = temporaryFolder('sums');
  const first = metersIn(folder);
  assert.equal(first.take([demandAt(1_000, 4)], 1_000).ok, true);
  assert.equal(first.take([demandAt(1_200, 3)], 1_200).ok, true);
  assert.equal(first.save(1_210, 100), false);
  assert.equal(first.take([demandAt(1_220, 2)], 1_220).ok, true);
  const second = metersIn(folder);
  assert.equal(second.read(demandAt(1_300), 1_300).used, 7);
  assert.equal(second.take([demandAt(1_300, 4)], 1_300).ok, false);
  assert.equal(second.take([demandAt(2_150, 4)], 2_150).ok, true, 'the first four count no more');
  assert.equal(second.read(demandAt(2_150), 2_150).used, 7);
});

test('sums: what two processes take adds up, and each hears of the other when it keeps its own', () => {
  const folder = temporaryFolder('sums');
  const [one, two] = [metersIn(folder), metersIn(folder)];
  one.take([demandAt(1_000, 4)], 1_000);
  two.take([demandAt(1_000, 5)], 1_000);
  one.save(1_001, 100);
  two.save(1_001, 100);
  assert.equal(two.take([demandAt(1_002, 2)], 1_002).ok, false);
  assert.equal(two.read(demandAt(1_002), 1_002).used, 9);
  one.take([demandAt(1_003, 1)], 1_003);
  one.save(1_004, 100);
  assert.equal(one.read(demandAt(1_004), 1_004).used, 10);
});

test('sums: what is given back after it was kept is given back there as well', () => {
  const folder = temporaryFolder('sums');
  const meters = metersIn(folder);
  meters.take([demandAt(1_000, 8)], 1_000);
  meters.save(1_001, 100);
  meters.adjust([{ demand: demandAt(1_000, 8), by: -6 }], 1_002);
  meters.save(1_003, 100);
  assert.equal(metersIn(folder).read(demandAt(1_004), 1_004).used, 2);
});

test('sums: after the clock was set back an hour what was used counts for a window and no longer', () => {
  const folder = temporaryFolder('sums');
  const hour = 3_600_000;
  const before = metersIn(folder);
  before.take([demandAt(2 * hour, 10)], 2 * hour);
  before.save(2 * hour, 100);
  const after = metersIn(folder);
  assert.equal(after.take([demandAt(hour)], hour).ok, false);
  assert.equal(after.take([demandAt(hour + 1_099)], hour + 1_099).ok, false);
  assert.equal(after.take([demandAt(hour + 1_100)], hour + 1_100).ok, true);
});

test('sums: on a full file nothing is lost, and it is kept when there is room', () => {
  const folder = temporaryFolder('sums');
  const database = openDatabase(folder);
  const sums = sqliteSums(database);
  const meters = new MemoryMeters({ maxKeys: 100_000, kept: { sums, isKept: () => true, onTrouble } });
  for (let key = 0; key < 5_000; key++) meters.take([{ ...demandAt(1_000), key: `k${key}` }], 1_000);
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${pages}`);
  assert.throws(() => meters.save(1_001, 10_000), /full/);
  database.exec('PRAGMA max_page_count = 100000');
  assert.equal(meters.save(1_002, 3_000), true);
  assert.equal(meters.save(1_002, 3_000), false);
  const again = new MemoryMeters({ maxKeys: 100_000, kept: { sums, isKept: () => true, onTrouble } });
  for (const key of ['k0', 'k4999']) assert.equal(again.read({ ...demandAt(1_003), key }, 1_003).used, 1);
});

test('sums: what is over is removed', () => {
  const folder = temporaryFolder('sums');
  const database = openDatabase(folder);
  const meters = new MemoryMeters({
    maxKeys: 100,
    kept: { sums: sqliteSums(database), isKept: () => true, onTrouble },
  });
  meters.take([demandAt(1_000)], 1_000);
  meters.save(1_000, 100);
  meters.take([{ ...demandAt(9_000), key: 'eve' }], 9_000);
  meters.save(9_000, 100);
  assert.equal(database.prepare('SELECT count(*) AS n FROM sums').get()?.['n'], 1);
});

test('sums: while the store cannot be read calls go on, and what was used before counts as soon as it can be written', () => {
  const folder = temporaryFolder('sums');
  const first = metersIn(folder);
  first.take([demandAt(1_000, 6)], 1_000);
  first.save(1_000, 100);
  const sums = openSums(folder);
  const troubles: unknown[] = [];
  let isBroken = true;
  const failing = { ...sums, load: (...of: Parameters<typeof sums.load>) => (isBroken ? broken() : sums.load(...of)) };
  const kept = { sums: failing, isKept: () => true, onTrouble: (error: unknown) => void troubles.push(error) };
  const second = new MemoryMeters({ maxKeys: 100, kept });
  assert.equal(second.take([demandAt(1_001, 3)], 1_001).ok, true);
  assert.ok(troubles.length > 0);
  isBroken = false;
  second.save(1_002, 100);
  assert.equal(second.read(demandAt(1_003), 1_003).used, 9);
});

function broken(): never {
  throw new Error('disk I/O error');
}
