/** What waits for the disk: one sync for many, a disk that takes nothing, one that fails. */
import assert from 'node:assert/strict';
import { fdatasync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { openDatabase } from './driver.ts';
import { type JournalOptions, openJournal } from './journal.ts';

type Sync = NonNullable<JournalOptions['sync']>;

function journalOf(options: JournalOptions) {
  const folder = temporaryFolder('journal');
  const database = openDatabase(folder);
  const journal = openJournal(folder, options);
  return {
    ...journal,
    [Symbol.dispose]() {
      journal.close();
      database.close();
    },
  };
}

test('what is asked for while a sync runs is covered by the next one, which all share', async () => {
  const syncs: (() => void)[] = [];
  const sync: Sync = (file, done) => void syncs.push(() => fdatasync(file, done));
  using journal = journalOf({ sync });
  const ended: number[] = [];
  const asked = [0, 1, 2].map(async (each) => {
    const settled = await journal.settle();
    ended.push(each);
    return settled;
  });
  assert.equal(syncs.length, 1);
  syncs[0]?.();
  assert.deepEqual(await asked[0], { ok: true });
  assert.deepEqual(ended, [0], 'what was asked for later may have been written after that sync began');
  assert.equal(syncs.length, 2);
  syncs[1]?.();
  assert.deepEqual(await Promise.all(asked), [{ ok: true }, { ok: true }, { ok: true }]);
  assert.equal(syncs.length, 2);
});

test('a disk that takes nothing is waited for so long, is complained about once, and counts again when it is back', async () => {
  const stuck: (() => void)[] = [];
  const problems: string[] = [];
  let stands = true;
  const sync: Sync = (file, done) => (stands ? void stuck.push(() => fdatasync(file, done)) : fdatasync(file, done));
  using journal = journalOf({ sync, patienceMs: 500, onProblem: (problem) => void problems.push(problem) });
  for (const settled of await Promise.all([journal.settle(), journal.settle()])) assert.equal(settled.ok, false);
  assert.deepEqual([stuck.length, problems], [1, ['the disk took nothing for 500 ms']]);
  stands = false;
  stuck[0]?.();
  assert.deepEqual(await journal.settle(), { ok: true });
});

test('after a sync that failed nothing counts as being on the disk any more', async () => {
  const errors: (Error | null)[] = [new Error('EIO: i/o error, fdatasync'), null];
  const sync: Sync = (_file, done) => setImmediate(() => done(errors.shift() ?? null));
  using journal = journalOf({ sync });
  const settled = await journal.settle();
  assert.match(settled.ok ? '' : settled.problem, /^EIO.*restarted/);
  assert.equal((await journal.settle()).ok, false);
  assert.equal(errors.length, 1);
});
