/** What a caller holds open stands in the log from the moment in which it was acknowledged. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { sendRaw } from '../attacks/raw.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { listen, startSession } from './events.ts';
import { PushingServer } from './pushing.ts';

interface Found {
  readonly method?: string;
  readonly plaintext?: { readonly about?: { readonly method?: string } };
}

test('A13: an acknowledged listen and an open GET stream are in the log after kill -9, and so is the end of a session', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-a13-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await using server = await new PushingServer().listen();
  const start = (): Promise<Gateway> =>
    startGateway(
      {
        callers: { agents: { client: {} } },
        servers: { pushing: { url: server.url } },
        connections: [
          {
            name: 'all',
            from: { agent: 'client' },
            to: 'pushing',
            tools: [{ allow: '*' }],
            resources: [{ allow: '*' }],
          },
        ],
      },
      { folder },
    );
  const gateway = await start();
  context.after(() => gateway.stop());
  const key = gateway.key('client');
  const url = gateway.endpoint('pushing');
  const session = await startSession(url, key);
  using _stream = session.events;
  assert.equal(session.events.status, 200);
  using _listening = await listen(url, key, { toolsListChanged: true });
  const ended = await startSession(url, key);
  using _other = ended.events;
  const gone = await sendRaw({
    url,
    method: 'DELETE',
    headers: [
      ['Authorization', `Bearer ${key}`],
      ['Mcp-Session-Id', ended.id],
    ],
  });
  assert.equal(gone.status, 204);
  const exited = once(gateway.child, 'exit');
  gateway.child.kill('SIGKILL');
  await exited;

  await using again = await start();
  const search = async (...filters: readonly string[]): Promise<readonly Found[]> => {
    const found = await runCommandHere('audit', 'search', ...filters, '--json', '--config', again.config);
    assert.equal(found.code, 0, found.stderr);
    return (JSON.parse(found.stdout) as { readonly records: readonly Found[] }).records;
  };
  const methodOf = ({ method, plaintext }: Found): string | undefined => plaintext?.about?.method ?? method;
  const open = (await search('--outcome', 'unknown')).map(methodOf);
  assert.equal(open.filter((method) => method === 'subscriptions/listen').length, 1, open.join(' '));
  assert.ok(open.includes('(GET)'), open.join(' '));
  const all = (await search()).map(methodOf);
  assert.equal(all.filter((method) => method === '(DELETE)').length, 1, all.join(' '));
});
