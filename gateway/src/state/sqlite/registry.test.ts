import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { type Note, registryContract } from '../../../test/support/state-contract.ts';
import { openDatabase } from '../../stores/sqlite/driver.ts';
import type { RegistryBounds } from '../contract/registry.ts';
import { sqliteRegistry } from './registry.ts';

const read = (value: unknown): Note | undefined => {
  const { text } = (value ?? {}) as Partial<Note>;
  return typeof text === 'string' ? { text } : undefined;
};
const bounds: RegistryBounds = { maxEntries: 100, maxOfOwner: 10, lifetimeMs: 1_000, whenFull: 'evict' };
const open = (folder: string, own: RegistryBounds = bounds, name = 'notes') =>
  sqliteRegistry<Note>(openDatabase(folder), { ...own, name, read });

registryContract('sqlite', (own) => open(temporaryFolder('registry'), own));

test('sqlite: what one process put another one finds, and takes once', () => {
  const folder = temporaryFolder('registry');
  const [one, two] = [open(folder), open(folder)];
  assert.ok(one.put({ key: 'a', owner: 'dana', value: { text: 'one' } }, 0).ok);
  assert.deepEqual(two.get('a', 1)?.value, { text: 'one' });
  assert.deepEqual([two.take('a', 2)?.value, one.take('a', 2)], [{ text: 'one' }, undefined]);
});

test('sqlite: registries of one file know nothing of each other', () => {
  const folder = temporaryFolder('registry');
  const [notes, others] = [open(folder), open(folder, bounds, 'others')];
  notes.put({ key: 'a', owner: 'dana', value: { text: '' } }, 0);
  assert.deepEqual([others.get('a', 1), others.size(1), notes.size(1)], [undefined, 0, 1]);
});

test('sqlite: a value that is not what it must be is not there, and can be put again', () => {
  const folder = temporaryFolder('registry');
  const registry = open(folder);
  registry.put({ key: 'a', owner: 'dana', value: { text: '' } }, 0);
  for (const value of ['{"text":7}', '{', 'null']) {
    openDatabase(folder).prepare('UPDATE registry_entries SET value = ?').run(value);
    assert.deepEqual([registry.get('a', 1), registry.list('dana', 1)], [undefined, []]);
  }
  assert.ok(registry.put({ key: 'a', owner: 'dana', value: { text: 'again' } }, 1).ok);
  assert.deepEqual(registry.get('a', 2)?.value, { text: 'again' });
});

test('sqlite: on a full file nothing is put, what is there stays, and there is room again later', () => {
  const database = openDatabase(temporaryFolder('registry'));
  const registry = sqliteRegistry<Note>(database, { ...bounds, name: 'notes', read });
  registry.put({ key: 'a', owner: 'dana', value: { text: 'kept' } }, 0);
  const pages = Number(database.prepare('PRAGMA page_count').get()?.['page_count']);
  database.exec(`PRAGMA max_page_count = ${pages}`);
  const large = { key: 'b', owner: 'dana', value: { text: 'x'.repeat(100_000) } };
  assert.throws(() => registry.put(large, 1), /full/);
  assert.deepEqual([registry.get('a', 2)?.value.text, registry.get('b', 2), registry.size(2)], ['kept', undefined, 1]);
  database.exec(`PRAGMA max_page_count = ${pages + 100}`);
  assert.ok(registry.put(large, 3).ok);
});

/** Counts up one entry by compare and set without end, and tells each count that it has put. */
const counting = `
  import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../stores/sqlite/driver.ts'))};
  import { sqliteRegistry } from ${JSON.stringify(join(import.meta.dirname, 'registry.ts'))};
  const bounds = { maxEntries: 100, maxOfOwner: 10, lifetimeMs: 1_000, whenFull: 'evict' };
  const registry = sqliteRegistry(openDatabase(process.argv[1]), { ...bounds, name: 'notes', read: (value) => value });
  for (;;) {
    const known = registry.get('count', 0);
    const value = { text: String(Number(known?.value.text ?? 0) + 1) };
    if (registry.put({ key: 'count', owner: 'all', value }, 0, known?.version ?? 'absent').ok) process.stdout.write(value.text + '\\n');
  }`;

test('sqlite: of several processes that count by compare and set none loses a count, though all are killed', async () => {
  const folder = temporaryFolder('registry');
  const registry = open(folder);
  const counts: string[] = [];
  const children = [1, 2, 3].map(() => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', counting, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      counts.push(...lines);
    });
    return child;
  });
  await Promise.all(children.map(({ stdout }) => once(stdout, 'data')));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map((child) => once(child, 'close')));
  assert.equal(new Set(counts).size, counts.length, 'no count was put twice');
  const last = Number(registry.get('count', 0)?.value.text);
  assert.ok(last >= counts.length, `${last} of ${counts.length}`);
  assert.equal(registry.size(0), 1);
});
