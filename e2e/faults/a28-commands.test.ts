/** What commands say is what they did. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fill, smallDisk } from '../audit/small-disk.ts';
import { startWorld } from '../audit/world.ts';
import { sallyportWith } from './commands.ts';

test('A28: of several that put one secret at once, one succeeds, and its value is the one that is kept', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a28-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'sallyport.yaml');
  writeFileSync(config, JSON.stringify({ version: 1, data: join(folder, 'data') }));
  const ends = await Promise.all(
    Array.from({ length: 6 }, (_, n) => sallyportWith(`value-${n}`, 'secret', 'put', 'token', '--config', config)),
  );
  const codes = ends.map(({ code }) => Number(code)).toSorted((a, b) => a - b);
  assert.deepEqual(codes, [0, 1, 1, 1, 1, 1], JSON.stringify(ends));
  for (const { code, stderr } of ends) if (code === 1) assert.match(stderr, /there is a secret token/);
  assert.deepEqual(readdirSync(join(folder, 'data', 'secrets')), ['token.json']);
});

test('A28: an export onto a full disk announces nothing, leaves what was there, and writes to a device as it is', async (context) => {
  const disk = await smallDisk(context);
  if (disk === undefined) return context.skip('no file system can be mounted here');
  await using world = await startWorld();
  for (let call = 0; call < 8; call++) await world.call(world.keys.dana, 'take', { note: 'x'.repeat(1_000) });
  const filler = join(disk, 'data', 'filler');
  const [old, fresh] = [join(disk, 'data', 'old'), join(disk, 'data', 'new')];
  writeFileSync(old, 'the export of yesterday\n');
  fill(filler);
  // Room for a part of it.
  truncateSync(filler, Number(execFileSync('stat', ['-c', '%s', filler])) - 4_096);
  for (const path of [old, fresh])
    for (const format of ['ndjson', 'proof']) {
      const { code, stdout, stderr } = await world.sallyport('audit', 'export', '--format', format, '--out', path);
      assert.equal(code, 66, stdout);
      assert.equal(stdout, '');
      assert.match(stderr, /cannot be written: ENOSPC/);
    }
  assert.equal(readFileSync(old, 'utf8'), 'the export of yesterday\n');
  assert.equal(existsSync(fresh), false);
  const piped = await world.sallyport('audit', 'export', '--out', '/dev/null');
  assert.equal(piped.code, 0, piped.stderr);
  assert.ok(!existsSync('/dev/null') || !readFileSync('/dev/null').length, '/dev/null is what it was');
});

test('A28: retain says that nothing is configured, and not that nothing is too old', async () => {
  await using world = await startWorld();
  await world.call(world.keys.dana, 'take');
  const { code, stderr } = await world.sallyport('audit', 'retain');
  assert.equal(code, 1);
  assert.match(stderr, /audit\.retention is not set, so nothing is ever too old/);
});
