/** What the HTTP listener refuses before it knows who it is: recorded, counted, and without what was sent. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCall, modernHeaders, type RawRequest, sendRaw } from '../attacks/raw.ts';
import { filesWith, startWorld, verify, type World } from './world.ts';

interface Found {
  readonly reason?: string;
  readonly method?: string;
  readonly detail?: {
    readonly reason?: string;
    readonly transport?: string;
    readonly count?: number;
    readonly reasons?: Readonly<Record<string, number>>;
  };
  readonly plaintext?: {
    readonly about?: {
      readonly user?: string;
      readonly address?: string;
      readonly detail?: string;
      readonly method?: string;
    };
  };
}

const planted = 'planted-credential-4711';

async function search({ sallyport }: World, ...args: readonly string[]): Promise<Found[]> {
  const { code, stdout, stderr } = await sallyport('audit', 'search', ...args, '--limit', '1000', '--json');
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, new RegExp(planted));
  // The oldest first.
  return (JSON.parse(stdout) as { records: Found[] }).records.toReversed();
}

/** A valid call with a valid key, but for `change`. */
function wrong({ gateway, keys }: World, change: Partial<RawRequest>): Promise<{ readonly status: number }> {
  return sendRaw({
    url: gateway.endpoint('notes'),
    body: modernCall('take'),
    ...change,
    headers: [
      ...modernHeaders('tools/call', 'take'),
      ['Authorization', `Bearer ${keys.dana}`],
      ...(change.headers ?? []),
    ],
  });
}

test('a request that is refused before authentication leaves a record, and many leave few', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-rejected-'));
  context.after(() => rm(folder, { recursive: true }));
  await using world = await startWorld({}, { folder });
  const url = world.gateway.endpoint('notes');
  assert.equal((await wrong(world, { url: `${url}?access_token=${planted}` })).status, 400);
  assert.equal((await wrong(world, { headers: [['Host', 'evil.example:80']] })).status, 403);
  assert.equal((await wrong(world, { headers: [['Host', `dana:${planted}@evil.example`]] })).status, 403);
  assert.equal((await wrong(world, { headers: [['Origin', 'https://evil.example']] })).status, 403);
  assert.equal((await wrong(world, { method: 'PUT' })).status, 405);
  assert.equal((await wrong(world, { url: `${world.gateway.mcp}/${planted}?${planted}` })).status, 404);
  const found = await search(world, '--kind', 'request-refused');
  assert.deepEqual(
    found.map(({ detail, plaintext }) => [detail?.reason, plaintext?.about?.detail]),
    [
      ['credentials-in-query', undefined],
      ['host-refused', 'Host evil.example:80'],
      // What is more than a name may be anything.
      ['host-refused', undefined],
      ['origin-refused', 'Origin https://evil.example'],
      ['http-method', undefined],
      ['path-unknown', undefined],
    ],
  );
  assert.ok(found.every(({ plaintext }) => plaintext?.about?.address === '127.0.0.1'));
  assert.deepEqual(await search(world, '--kind', 'exchange'), []);

  for (let attempt = 0; attempt < 30; attempt++) await wrong(world, { method: 'PUT' });
  // Calls that are in order are not counted.
  assert.equal((await wrong(world, {})).status, 200);
  assert.equal((await search(world, '--kind', 'request-refused')).length, 10);
  await world.gateway.stop();
  const all = await search(world, '--kind', 'request-refused');
  assert.equal(all.length, 11);
  assert.deepEqual([all[10]?.detail?.count, all[10]?.detail?.reasons], [26, { 'http-method': 26 }]);
  assert.equal(all[10]?.plaintext?.about?.address, '127.0.0.1 ×26');
  const data = join(folder, 'data');
  for (const text of [planted, 'evil.example', world.keys.dana]) assert.deepEqual(filesWith(data, text), [], text);
  assert.equal((await verify(join(data, 'log'))).code, 0);
});

test('an address that is no declared proxy is in the record', async (context) => {
  const address = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  if (address === undefined) return context.skip('this machine has no address but its own');
  const mcp = { port: 0, host: '0.0.0.0', behindProxy: ['192.0.2.1'], allowedHosts: ['x.example'] };
  await using world = await startWorld({ listen: { mcp, admin: { port: 0 } } });
  const { port } = new URL(world.gateway.mcp);
  const answer = await wrong(world, {
    url: `http://${address}:${port}/mcp`,
    headers: [['X-Forwarded-For', '192.0.2.9']],
  });
  assert.equal(answer.status, 403);
  const [record] = await search(world, '--kind', 'request-refused');
  assert.deepEqual([record?.detail?.reason, record?.plaintext?.about?.address], ['address-refused', address]);
});

test('a refused GET or DELETE of an authenticated caller is an exchange', async () => {
  await using world = await startWorld();
  assert.equal((await wrong(world, { method: 'GET', body: '' })).status, 405);
  const headers = [['Mcp-Session-Id', planted]] as const;
  assert.equal((await wrong(world, { method: 'DELETE', body: '', headers })).status, 404);
  const found = await search(world, '--kind', 'exchange', '--caller', 'user:dana');
  assert.deepEqual(
    found.map(({ reason, method, plaintext }) => [reason, method, plaintext?.about?.method]),
    [
      ['http-method', 'other', '(GET)'],
      ['session-unknown', 'other', '(DELETE)'],
    ],
  );
  assert.deepEqual(filesWith(join(world.gateway.folder, 'data'), planted), []);
});
