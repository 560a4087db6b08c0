/** The index is made from the log: whatever is wrong with it, the log answers, and it is said. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { startWorld } from '../audit/world.ts';

test('A23: a damaged index, one that lacks rows, and one of another history are made anew, and it is said', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a23-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await using world = await startWorld({}, { folder });
  const { data, index } = {
    data: join(world.gateway.folder, 'data'),
    index: join(world.gateway.folder, 'data', 'index', 'log.db'),
  };
  await world.call(world.keys.dana, 'take', { note: 'one' });
  const early = await world.copyLog();
  await world.call(world.keys.eve, 'take', { note: 'two' });
  await world.sallyport('audit', 'search');
  await world.gateway.stop();
  const count = async (): Promise<number> => {
    const { code, stdout, stderr } = await world.sallyport('audit', 'search', '--kind', 'intent', '--json');
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as { records: readonly object[] }).records.length;
  };
  assert.equal(await count(), 2);
  const put = (content: Buffer | string): void => {
    for (const end of ['-wal', '-shm']) rmSync(`${index}${end}`, { force: true });
    writeFileSync(index, content);
  };
  const sql = (text: string): void => {
    const database = new DatabaseSync(index);
    database.exec(text);
    database.close();
  };
  const damages: Readonly<Record<string, () => void>> = {
    'not a database': () => put('x'.repeat(20_000)),
    'noise in its pages': () => put(readFileSync(index).fill(0x5a, 4_096)),
    'cut off': () => put(readFileSync(index).subarray(0, 5_000)),
    'rows deleted': () => sql(`DELETE FROM records WHERE seq > 2`),
    'a table dropped': () => sql('DROP TABLE erased'),
    'another history': () => sql(`UPDATE progress SET root = 'AAAA'`),
    'a folder': () => (rmSync(index, { recursive: true, force: true }), mkdirSync(index)),
  };
  const commands: Readonly<Record<string, readonly string[]>> = {
    'not a database': ['subjects'],
    'cut off': ['prove', '2'],
    'a folder': ['erase', '--subject', 'user:eve'],
  };
  for (const [name, damage] of Object.entries(damages)) {
    damage();
    const { code, stderr } = await world.sallyport('audit', ...(commands[name] ?? ['show', '2']));
    assert.equal(code, 0, `${name}: ${stderr}`);
    assert.match(stderr, /the index of log .*: it is made anew from the log/, name);
  }
  rmSync(index, { recursive: true, force: true });
  // The log is put back to what it was, and the index is not.
  assert.equal(await count(), 2);
  rmSync(join(data, 'log'), { recursive: true });
  cpSync(early, join(data, 'log'), { recursive: true });
  // How much the copy holds depends on when the log was published; an index that is ahead must not add to it.
  const restored = await count();
  assert.ok(restored < 2, `${restored} records`);
  rmSync(index, { recursive: true, force: true });
  assert.equal(await count(), restored);
  const none = await world.sallyport('audit', 'search', '--kind', 'clock');
  assert.match(none.stdout, /^No record matches among the \d+ that there are\.$/m);
});
