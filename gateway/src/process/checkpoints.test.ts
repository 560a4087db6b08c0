/** The journal of the database of a running gateway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryFolder } from '../../test/support/folder.ts';
import { openDatabase } from '../stores/sqlite/driver.ts';
import { checkpointBounds, keepJournalShort, pagesLeft } from './checkpoints.ts';

test('a journal that gets long is moved into the database beside, and commits move nothing', async () => {
  const folder = temporaryFolder('checkpoints');
  const database = openDatabase(folder);
  const put = database.prepare(
    'INSERT OR REPLACE INTO registry_entries (registry, key, owner, value, expires_at) VALUES (?, ?, ?, ?, ?)',
  );
  const fill = (name: string): void => {
    for (let each = 0; each * 2 < checkpointBounds.pages; each++)
      put.run('test', `${name} ${each}`, 'x', 'x'.repeat(8_000), 1);
  };
  fill('one');
  const before = pagesLeft(database);
  assert.ok(before > checkpointBounds.pages, 'its commits moved nothing');
  const problems: string[] = [];
  const checkpoints = keepJournalShort(folder, (problem) => void problems.push(problem));
  try {
    for (let tried = 0; pagesLeft(database) > 0 && tried < 500; tried++) await pause(20);
    assert.equal(pagesLeft(database), 0);
    fill('two');
    for (let tried = 0; pagesLeft(database) > 0 && tried < 500; tried++) await pause(20);
    assert.equal(pagesLeft(database), 0, 'again, by the same thread');
    assert.deepEqual(problems, []);
  } finally {
    await checkpoints.close();
    database.close();
  }
});
