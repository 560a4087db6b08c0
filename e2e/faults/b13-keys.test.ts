/** Keys change: evidence from before is no lie, an end is no endlessness, and an old key is no damage. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { join } from 'node:path';
import { test } from 'node:test';
import { startWorld, verifierFile } from '../audit/world.ts';
import { gatewayFile } from '../harness.ts';
import { runToEnd } from '../process.ts';

test('B13: proofs of an old key, keys that expire, and a configuration from before a rewrap', async () => {
  await using world = await startWorld();
  const { gateway, sallyport, keys } = world;
  assert.equal((await world.call(keys.dana, 'take', { note: 'one' })).status, 200);
  const path = join(gateway.folder, 'proof.json');
  assert.equal((await sallyport('audit', 'export', '--format', 'proof', '--out', path)).code, 0);
  const verify = (...args: readonly string[]) => runToEnd({ command: [process.execPath, verifierFile, ...args] });
  const keyOf = async (): Promise<string> =>
    (JSON.parse((await verify(join(gateway.folder, 'data', 'log'), '--json')).stdout) as { key: string }).key;
  const old = await keyOf();
  assert.equal((await sallyport('audit', 'rotate-key')).code, 0);
  const today = await keyOf();
  assert.notEqual(old, today);
  assert.equal((await verify(path, '--key', old)).code, 0);
  const undecided = await verify(path, '--key', today);
  assert.equal(undecided.code, 3, undecided.stderr);
  assert.match(
    undecided.stderr,
    /^NOT verified, and NOT DECIDED: the proof is signed by .*check the proof with the key of that time/,
  );
  // The log itself leads from the one to the other.
  assert.equal((await verify(join(gateway.folder, 'data', 'log'), '--key', old)).code, 0);

  const made = JSON.parse((await sallyport('key', 'create', '--user', 'dana', '--expires', '2h', '--json')).stdout) as {
    id: string;
    expires: string;
  };
  const next = JSON.parse((await sallyport('key', 'rotate', made.id, '--json')).stdout) as {
    expires: string;
    ends: string;
  };
  assert.equal(next.expires, made.expires, 'the new key ends when the old one was to end');
  assert.equal(next.ends, made.expires, 'the old key is not given more time by the overlap');

  const child = spawn(process.execPath, [gatewayFile, 'audit', 'rewrap', '--config', gateway.config]);
  child.stdin.end('ab'.repeat(32));
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  const search = await sallyport('audit', 'search');
  assert.equal(search.code, 66);
  assert.match(search.stderr, /the master key does not open it/);
  assert.match(
    search.stderr,
    /\n {4}Give the master key that the log is under: .*After .*audit rewrap. it is the new one/,
  );
  assert.doesNotMatch(search.stderr, /damage/);
});
