/** What is older than `audit.retention` goes from a running gateway, by itself and by command, and the rest verifies. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Ended, startWorld, verify, type World } from './world.ts';

interface Found {
  readonly seq: number;
  readonly privacy: string;
  readonly detail?: { readonly tiers?: Readonly<Record<string, number>> };
}

function found({ code, stdout, stderr }: Ended): readonly Found[] {
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { records: Found[] }).records;
}

async function until<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const value = await look();
    if (value !== undefined) return value;
    await pause(250);
  }
  throw new Error('it did not come');
}

/** Two records each. */
async function calls(world: World, tool: string, count: number): Promise<void> {
  for (let call = 0; call < count; call++)
    assert.equal((await world.call(world.keys.dana, tool, { note: `${tool} ${call}` })).status, 200);
}

test('private parts of a tier go by themselves once they are old, and by command', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-e2e-'));
  try {
    // The end of what a gateway has written goes when another one has settled more: whole tiles of 256 records.
    {
      await using world = await startWorld({}, { folder });
      await calls(world, 'write', 10);
      await calls(world, 'take', 140);
    }
    {
      await using world = await startWorld({}, { folder });
      await calls(world, 'take', 150);
    }
    const oldOf = async ({ sallyport }: World, tool: string): Promise<readonly Found[]> =>
      found(await sallyport('audit', 'search', '--capability', tool, '--limit', '400', '--json')).filter(
        ({ seq }) => seq < 256,
      );
    {
      await using world = await startWorld({ audit: { retention: { read: '1s' } } }, { folder });
      const said = await until(async () => {
        const [last] = found(await world.sallyport('audit', 'search', '--kind', 'retention', '--json'));
        return last;
      });
      assert.ok((said.detail?.tiers?.['read'] ?? 0) >= 256, JSON.stringify(said));
      await until(async () => {
        const old = await oldOf(world, 'take');
        assert.ok(old.length > 50);
        return old.every(({ privacy }) => privacy === 'dropped') ? true : undefined;
      });
      const written = await oldOf(world, 'write');
      assert.equal(written.length, 10);
      for (const { privacy } of written) assert.equal(privacy, 'open', 'that tier has no age');
      await calls(world, 'take', 1);
      const [last] = found(await world.sallyport('audit', 'search', '--capability', 'take', '--limit', '1', '--json'));
      assert.equal(last?.privacy, 'open', 'what is young stays');
      assert.equal((await verify(await world.copyLog())).code, 0);
    }
    {
      const ages = { read: '1s', write: '1s', destructive: '1s', records: '1s' };
      await using world = await startWorld({ audit: { retention: ages } }, { folder });
      const { code, stdout, stderr } = await world.sallyport('audit', 'retain');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^(Dropped|Nothing is old enough)/);
      assert.deepEqual(await oldOf(world, 'write'), [], 'their public parts are gone, too');
      const verified = await verify(await world.copyLog());
      assert.equal(verified.code, 0, verified.stdout);
      assert.match(verified.stdout, /the first \d+ records were dropped by retention/);
      await calls(world, 'take', 1);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
