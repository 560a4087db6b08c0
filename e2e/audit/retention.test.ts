/** What is older than `audit.retention` goes from a running gateway, by itself and by command, and the rest verifies. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { patienceMs } from '../process.ts';
import { type Ended, startWorld, verify, type World } from './world.ts';

interface Found {
  readonly seq: number;
  readonly privacy: string;
  readonly detail?: { readonly tiers?: Readonly<Record<string, number>> };
}

function found({ code, stdout, stderr }: Ended): readonly Found[] {
  assert.equal(code, 0, stderr + stdout);
  return (JSON.parse(stdout) as { records: Found[] }).records;
}

async function until<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; ) {
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

test('private parts of a tier go by themselves once they are old, and by command', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-e2e-'));
  let key = '';
  try {
    // The end of what a gateway has written goes when another one has settled more: whole tiles of 256 records.
    {
      await using world = await startWorld({}, { folder });
      await calls(world, 'write', 10);
      await calls(world, 'take', 140);
      ({ key } = JSON.parse((await verify(await world.copyLog(), '--json')).stdout) as { key: string });
      assert.equal((await world.sallyport('audit', 'rotate-key')).code, 0);
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
      assert.match(stdout, /^log: (dropped private parts|nothing is old enough)/);
      assert.deepEqual(await oldOf(world, 'write'), [], 'their public parts are gone, too');
      const verified = await verify(await world.copyLog(), '--key', key);
      assert.equal(verified.code, 0, verified.stderr);
      assert.match(verified.stdout, /the first \d+ records were dropped by retention/);
      assert.match(verified.stdout, /which the one you gave leads to/);
      assert.match((await world.sallyport('audit', 'show', '5')).stderr, /record 5 was dropped by retention/);
      // The record of the retention speaks for the keys whose records are gone.
      await calls(world, 'take', 1);
      const [last] = found(await world.sallyport('audit', 'search', '--capability', 'take', '--limit', '1', '--json'));
      const proof = join(folder, 'proof.json');
      assert.equal((await world.sallyport('audit', 'prove', String(last?.seq), '--out', proof)).code, 0);
      const proved = await verify(proof, '--key', key);
      assert.equal(proved.code, 0, proved.stderr);
      assert.match(proved.stdout, /which the one you gave leads to/);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
