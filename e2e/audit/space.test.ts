/** A log that may have so much room and no more, and a disk that fills: the oldest payloads go, and the rest verifies. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../until.ts';
import { smallDisk } from './small-disk.ts';
import { startWorld, verify, type World } from './world.ts';

interface Found {
  readonly seq: number;
  readonly privacy: string;
  readonly detail?: { readonly because?: readonly string[] };
}

async function search({ sallyport }: World, ...args: readonly string[]): Promise<readonly Found[]> {
  const { code, stdout, stderr } = await sallyport('audit', 'search', ...args, '--json');
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { records: Found[] }).records;
}

const resultBytes = 200_000;

/** Each leaves as much on the disk, as it cannot be compressed. */
async function largeCalls(world: World, count: number): Promise<void> {
  world.witness.answer('take', (response, { message }) => {
    const content = [{ type: 'text', text: randomBytes((resultBytes * 3) / 4).toString('base64') }];
    const result = { resultType: 'complete', content };
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
  });
  for (let call = 0; call < count; call++) {
    const { body } = await world.call(world.keys.dana, 'take', { note: `${call}` });
    assert.ok(body.length >= resultBytes, body.slice(0, 500));
  }
}

const capture = { limit: '1MiB' };

test('a log that is larger than audit.retention.size loses its oldest payloads, says so, and verifies', async () => {
  await using world = await startWorld({ audit: { capture, retention: { size: '4MiB' } } });
  // More than a segment of 16 MiB and one tile of records, and as much again: what is not in a whole tile stays.
  await largeCalls(world, 260);
  await until(async () => (await search(world, '--kind', 'retention')).length > 0, 'a retention');
  const [said] = await search(world, '--kind', 'retention', '--limit', '1');
  assert.deepEqual(said?.detail?.because, ['size']);
  const oldest = async (): Promise<Found | undefined> =>
    (await search(world, '--capability', 'take', '--limit', '400')).at(-1);
  await until(async () => (await oldest())?.privacy === 'dropped', 'the end of the oldest payload');
  const [last] = await search(world, '--capability', 'take', '--limit', '1');
  assert.equal(last?.privacy, 'open', 'the youngest payload stays');
  const verified = await verify(await world.copyLog());
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, /[1-9]\d* dropped by retention/);
});

test('a disk with less than audit.retention.reserve is warned of before, and gets room from the oldest payloads', async (context) => {
  const folder = await smallDisk(context, 80);
  if (folder === undefined) return context.skip('no file system can be mounted here');
  await using world = await startWorld({ audit: { capture, retention: { reserve: '16MiB' } } }, { folder });
  const free = (): number => {
    const { bavail, bsize } = statfsSync(join(folder, 'data'));
    return bavail * bsize;
  };
  // Together more than the disk has.
  for (let round = 0; round < 14; round++) {
    await largeCalls(world, 40);
    await until(() => free() >= 16 * 1024 ** 2, 'room');
  }
  assert.match(
    world.gateway.errors(),
    /the disk of the log has \d+ MiB left: below 16 MiB \(audit.retention.reserve\)/,
  );
  const said = await search(world, '--kind', 'retention', '--limit', '1');
  assert.deepEqual(said[0]?.detail?.because, ['reserve']);
  assert.equal((await verify(await world.copyLog())).code, 0);
});
