/** A master key that is changed, and a process that ends in the middle of it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { localKeyService, openWrappingKey, rewrap } from './key-service.ts';

const services = { from: localKeyService(Buffer.alloc(32, 1)), to: localKeyService(Buffer.alloc(32, 2)) };
const opens = (path: string, service: keyof typeof services): Promise<string> =>
  openWrappingKey({ path, context: 'log a' }, services[service]).then(
    (key) => key.toString('hex'),
    () => 'no',
  );

async function setUp(context: TestContext): Promise<{ path: string; key: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rewrap-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'wrapping');
  return { path, key: (await openWrappingKey({ path, context: 'log a' }, services.from)).toString('hex') };
}

test('the same key is under the new master key, and under the old one no more', async (context) => {
  const { path, key } = await setUp(context);
  let recorded = 0;
  const record = async (): Promise<void> => {
    recorded += 1;
  };
  assert.equal(await rewrap({ path, context: 'log a' }, services, record), 'rewrapped');
  assert.deepEqual([await opens(path, 'from'), await opens(path, 'to')], ['no', key]);
  assert.equal(await rewrap({ path, context: 'log a' }, services, record), 'already');
  const third = { from: localKeyService(Buffer.alloc(32, 3)), to: localKeyService(Buffer.alloc(32, 4)) };
  assert.equal(await rewrap({ path, context: 'log a' }, third, record), 'neither');
  assert.equal(recorded, 1);
});

test('what cannot be recorded is not done', async (context) => {
  const { path, key } = await setUp(context);
  await assert.rejects(
    rewrap({ path, context: 'log a' }, services, () => Promise.reject(new Error('disk full'))),
    /disk full/,
  );
  assert.deepEqual([await opens(path, 'to'), await opens(path, 'from')], ['no', key]);
});

for (const [point, change, done] of [
  ['before the new wrapping is written', 'to.wrap = end;', false],
  ['before it is durable', 'fs.fsyncSync = end;', false],
  [
    'before it takes its place',
    'const { renameSync } = fs; fs.renameSync = (from, to) => (isDraft(to) ? renameSync(from, to) : end());',
    false,
  ],
  [
    'after it has',
    'const { renameSync } = fs; fs.renameSync = (from, to) => (renameSync(from, to), isDraft(to) || end());',
    true,
  ],
] as const)
  test(`kill -9 ${point}: the log opens under the old key or the new one, and the same again finishes it`, async (context) => {
    const { path, key } = await setUp(context);
    const program = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      const { localKeyService, rewrap } = await import(${JSON.stringify(join(import.meta.dirname, 'key-service.ts'))});
      const isDraft = (path) => path.endsWith('.next');
      const end = () => process.kill(process.pid, 'SIGKILL');
      const to = localKeyService(Buffer.alloc(32, 2));
      ${change}
      syncBuiltinESMExports();
      await rewrap({ path: ${JSON.stringify(path)}, context: 'log a' }, { from: localKeyService(Buffer.alloc(32, 1)), to }, async () => {});
    `;
    const run = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
    assert.equal(run.signal, 'SIGKILL', run.stderr);
    assert.equal(await opens(path, 'from'), done ? 'no' : key);
    assert.equal(await rewrap({ path, context: 'log a' }, services, async () => {}), done ? 'already' : 'rewrapped');
    assert.deepEqual([await opens(path, 'from'), await opens(path, 'to')], ['no', key]);
  });

test('an interrupted rewrapping is finished when the log is opened under the new key', async (context) => {
  const { path, key } = await setUp(context);
  const to = await services.to.wrap(Buffer.from(key, 'hex'), 'log a');
  writeFileSync(`${path}.next`, to);
  assert.equal(await opens(path, 'from'), key);
  assert.equal(await opens(path, 'to'), key);
  assert.equal(await opens(path, 'from'), 'no', 'it has taken its place');
});
