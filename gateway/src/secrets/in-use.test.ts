import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../test/support/folder.ts';
import { databasePath } from '../stores/sqlite/driver.ts';
import { openInUse } from './in-use.ts';

const fail = (error: unknown): never => {
  throw error;
};

test('what a process works with is read by others, until it changes or the process is done', () => {
  const data = temporaryFolder('in-use');
  const [gateway, command] = [openInUse(data), openInUse(data)];
  assert.deepEqual(command.editionsOf('token'), []);
  assert.ok(!existsSync(databasePath(data)), 'to ask makes no database');
  gateway.note(new Map([['token', 'one']]), fail);
  assert.deepEqual(command.editionsOf('token'), ['one']);
  assert.deepEqual(command.editionsOf('other'), []);
  gateway.note(new Map([['token', 'two']]), fail);
  assert.deepEqual(command.editionsOf('token'), ['two']);
  gateway.close();
  assert.deepEqual(command.editionsOf('token'), []);
  command.close();
});

test('what a process that was killed has noted is not believed, and is removed by the next one', () => {
  const data = temporaryFolder('in-use');
  const noting = `
    import { openInUse } from ${JSON.stringify(join(import.meta.dirname, 'in-use.ts'))};
    openInUse(process.argv[1]).note(new Map([['token', 'old']]), (error) => { throw error; });
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', noting, data]);
  assert.equal(signal, 'SIGKILL');
  const inUse = openInUse(data);
  assert.deepEqual(inUse.editionsOf('token'), []);
  inUse.note(new Map([['token', 'new']]), fail);
  assert.deepEqual(inUse.editionsOf('token'), ['new']);
  inUse.close();
});

test('a process that has the id of one that was killed, as in a container, has noted nothing but what it uses', () => {
  const data = temporaryFolder('in-use');
  openInUse(data).note(new Map([['old', 'one']]), fail);
  const restarted = openInUse(data);
  restarted.note(new Map([['token', 'two']]), fail);
  assert.deepEqual([restarted.editionsOf('old'), restarted.editionsOf('token')], [[], ['two']]);
  restarted.close();
});

test('a database that cannot be used is told, and stops nothing', () => {
  const data = temporaryFolder('in-use');
  writeFileSync(databasePath(data), 'garbage'.repeat(1_000));
  const inUse = openInUse(data);
  const problems: unknown[] = [];
  inUse.note(new Map([['token', 'one']]), (error) => problems.push(error));
  assert.match(String(problems), /not a database/);
  assert.deepEqual(inUse.editionsOf('token'), []);
  inUse.close();
});
