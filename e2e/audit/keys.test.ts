/** API keys in the evidence log, also when no gateway was there to see them made. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { type Ended, startWorld, type World } from './world.ts';

interface Shown {
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly plaintext?: { readonly about?: { readonly user?: string } };
}

async function ofKind({ sallyport }: World, kind: string): Promise<readonly Shown[]> {
  const { code, stdout, stderr } = await sallyport('audit', 'search', '--kind', kind, '--json');
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { records: Shown[] }).records.toReversed();
}

test('keys that are made, replaced and revoked while no gateway runs are recorded once, with their callers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-e2e-'));
  try {
    let config = '';
    const key = async (...args: readonly string[]): Promise<Ended> => {
      const ended = await runCommandHere('key', ...args, '--config', config);
      assert.equal(ended.code, 0, ended.stderr);
      return ended;
    };
    {
      await using world = await startWorld({}, { folder });
      ({ config } = world.gateway);
      await world.call(world.keys.dana, 'take', { note: 'one' });
    }
    const made = await key('create', '--user', 'eve', '--network', '10.0.0.0/8', '--expires', '30d', '--json');
    const { id } = JSON.parse(made.stdout) as { id: string };
    await key('revoke', id);
    // A command that writes to the log meanwhile hides nothing.
    assert.equal((await runCommandHere('audit', 'rotate-key', '--config', config)).code, 0);
    for (let start = 0; start < 2; start++) {
      await using world = await startWorld({}, { folder });
      const [revoked, ...more] = await ofKind(world, 'key-revoked');
      assert.deepEqual(more, []);
      assert.deepEqual(revoked?.detail, { key: id, because: 'revoked' });
      assert.equal(revoked.plaintext?.about?.user, 'eve');
      const created = (await ofKind(world, 'key-created')).filter(({ detail }) => detail['key'] === id);
      assert.equal(created.length, 1);
      assert.deepEqual(created[0]?.detail['networks'], ['10.0.0.0/8']);
      assert.ok(Number(created[0]?.detail['expiresAt']) > Date.now());
      assert.equal(created[0]?.plaintext?.about?.user, 'eve');
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
