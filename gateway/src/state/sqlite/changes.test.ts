import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { changesContract } from '../../../test/support/state-contract.ts';
import { databasePath, openDatabase } from '../../stores/sqlite/driver.ts';
import { announceChange, openChanges } from './changes.ts';

const makeFolder = (): string => temporaryFolder('changes');

changesContract('sqlite', openChanges, makeFolder);

/** Announces without end, and says so after the first. */
const announcer = `
  import { announceChange } from ${JSON.stringify(join(import.meta.dirname, 'changes.ts'))};
  for (let count = 0; ; count++) {
    announceChange(process.argv[1], 'accounts');
    if (count === 0) console.log('began');
  }`;

test('sqlite: processes that are killed while they announce leave a database that others announce in', async () => {
  const folder = makeFolder();
  const changes = openChanges(folder);
  const children = [1, 2, 3].map(() =>
    spawn(process.execPath, ['--input-type=module', '--eval', announcer, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map((child) => once(child, 'close')));
  assert.deepEqual(changes.look(), ['accounts']);
  announceChange(folder, 'secrets');
  assert.deepEqual(changes.look(), ['secrets']);
  changes.close();
});

test('sqlite: a process that holds the database keeps no other from looking', () => {
  const folder = makeFolder();
  const changes = openChanges(folder);
  announceChange(folder, 'accounts');
  const holder = openDatabase(folder);
  holder.exec('BEGIN IMMEDIATE');
  const began = performance.now();
  assert.deepEqual(changes.look(), ['accounts']);
  assert.ok(performance.now() - began < 2_000, 'it waits for no lock');
  holder.exec('ROLLBACK');
  holder.close();
  changes.close();
});

test('sqlite: where no gateway has run, a command that has something to tell makes no database', () => {
  const folder = makeFolder();
  announceChange(folder, 'accounts');
  assert.ok(!existsSync(databasePath(folder)));
  writeFileSync(databasePath(folder), 'garbage'.repeat(1_000));
  assert.throws(() => announceChange(folder, 'accounts'), /not a database/);
});
