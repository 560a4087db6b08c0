/** The master key of the log is changed beside a running gateway. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startWorld } from './world.ts';

const program = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');

async function rewrap(config: string, key: string): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, [program, 'audit', 'rewrap', '--config', config]);
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.end(key);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

test('audit rewrap: the gateway goes on, the new key opens everything, the old one nothing, and it is in the record', async () => {
  await using world = await startWorld();
  const { gateway, keys, call, sallyport } = world;
  await call(keys.dana, 'take', { note: 'before the change' });
  const key = randomBytes(32).toString('hex');
  assert.match((await rewrap(gateway.config, 'short')).out, /the new key is not a key/);
  const done = await rewrap(gateway.config, key);
  assert.deepEqual(done, { code: 0, out: 'log is under the new key\n' });
  assert.equal(
    (await call(keys.dana, 'take', { note: 'after the change' })).status,
    200,
    'the gateway does not notice',
  );
  assert.notEqual((await sallyport('audit', 'search')).code, 0, 'the old key opens nothing');

  const file = join(gateway.folder, 'log-key');
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  const configuration = JSON.parse(readFileSync(gateway.config, 'utf8')) as object;
  const audit = { keys: { master: `\${file:${file}}` } };
  writeFileSync(gateway.config, JSON.stringify({ ...configuration, audit }));
  const found = await sallyport('audit', 'search', '--json');
  assert.equal(found.code, 0, found.stderr);
  for (const note of ['before the change', 'after the change']) assert.ok(found.stdout.includes(note));
  const recorded = await sallyport('audit', 'search', '--kind', 'master-key', '--json');
  const { records } = JSON.parse(recorded.stdout) as { records: { detail: Record<string, string> }[] };
  assert.deepEqual(
    records.map(({ detail }) => detail['event']),
    ['rewrap'],
  );
  assert.notEqual(records[0]?.detail['from'], records[0]?.detail['to']);
  assert.ok(!recorded.stdout.includes(key));
  assert.equal((await sallyport('audit', 'verify')).code, 0);
  assert.match((await rewrap(gateway.config, key)).out, /the configuration says this key already/);
});
