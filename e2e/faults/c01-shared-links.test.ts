/** C1: a connection of many callers is one of the modern era, whatever its server becomes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfiguration } from '../../gateway/src/config/load.ts';
import { Cancellation } from '../../gateway/src/pipeline/cancellation.ts';
import type { Caller } from '../../gateway/src/pipeline/contracts/caller.ts';
import type { ClientProfile, UpstreamClient } from '../../gateway/src/pipeline/contracts/upstream.ts';
import { ServerDirectory } from '../../gateway/src/upstreams/index.ts';
import { ownCall } from '../../gateway/src/upstreams/own-call.ts';
import type { Behaviour } from '../fixtures/other/core.ts';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings } from '../harness.ts';

const log = { info: () => {}, warn: () => {}, debug: () => {} };

function clientOf(agent: string): ClientProfile {
  return { caller: { key: `agent:${agent}`, agent, roles: [] } as unknown as Caller, era: 'modern', capabilities: {} };
}

function echo(upstream: UpstreamClient) {
  return upstream.call({
    ...ownCall('tools/call', { name: 'echo', arguments: { a: 1 } }, new Cancellation()),
    tier: 'write',
  });
}

test('C1 (unit): a connection that callers share carries no call of the legacy era, and becomes that of no single caller', async (context) => {
  await using server = await new OtherServer({ eras: 'modern' }).listen();
  const turn = (eras: Behaviour['eras']): void => {
    (server.core as { behaviour: Behaviour }).behaviour = { eras };
  };
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-c01-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(
    file,
    JSON.stringify({ version: 1, data: './data', ...openSettings('one', { other: { url: server.url } }) }),
  );
  const loaded = await loadConfiguration(file, {}, { secrets: 'leave' });
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.diagnostics));
  const { servers, bounds } = loaded.revision.configuration;
  const directory = new ServerDirectory('c01', bounds, { log });
  context.after(() => directory.close());
  directory.configure(servers, bounds);
  const linkOf = (agent: string): UpstreamClient => {
    const upstream = directory.client('other', clientOf(agent));
    assert.ok(upstream);
    return upstream;
  };

  await linkOf('one').facts();
  const shared = linkOf('one');
  const release = shared.hold();
  assert.equal((await echo(shared)).kind, 'result');
  assert.equal(linkOf('two'), shared);
  const heard: string[] = [];
  const { promise: changed, resolve: change } = Promise.withResolvers<void>();

  turn('legacy');
  // The first call meets the new server; those that waited behind it do not share a session of that.
  await echo(shared);
  const late = await echo(shared);
  assert.equal(late.kind, 'failed');
  assert.ok(late.kind === 'failed' && !('sent' in late.failure), JSON.stringify(late));
  const own = linkOf('two');
  assert.notEqual(own, shared);
  assert.equal((await echo(own)).kind, 'result');
  assert.notEqual(linkOf('one'), own);
  // The stream of the shared one and that of "two".
  await server.until(() => server.streams === 2);
  shared.onNotification((method) => {
    heard.push(method);
    change();
  });
  server.push('notifications/message', { level: 'error', data: 'of one session' });
  server.push('notifications/tools/list_changed');
  await changed;
  assert.ok(!heard.includes('notifications/message'), 'a message of a session reaches all who listen');

  // A server of both eras, which is asked again when what is known of it is old.
  turn('dual');
  const now = performance.now.bind(performance);
  context.mock.method(performance, 'now', () => now() + 700_000);
  await linkOf('three').facts();
  for (const agent of ['three', 'two', 'one']) {
    assert.notEqual(linkOf(agent), shared);
    assert.notEqual(directory.client('other', { ...clientOf(agent), era: 'legacy' }), shared);
  }
  release();
});
