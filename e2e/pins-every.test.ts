/** Servers are looked at from time to time: changes are found that no client asks for and no server announces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { makeAuthority } from './certificates.ts';
import { openSession } from './clients.ts';
import { openSettings, startGateway } from './harness.ts';
import { open, poke, readTool, startWorld, until } from './pinned-world.ts';
import { startTlsServer } from './tls-server.ts';

test('an HTTP server that announces nothing is looked at without a client, with pins: every', async () => {
  using authority = makeAuthority();
  const pair = authority.issue('one', 'IP:127.0.0.1');
  const tool = { name: 'open', inputSchema: { type: 'object' } };
  let tools: object[] = [tool];
  await using target = await startTlsServer(pair, { tools: () => tools });
  const tls = { authorities: `\${file:${authority.certFile}}` };
  const settings = openSettings('a', { notes: { url: target.url, tls, pins: { every: '1s' } } });
  await using gateway = await startGateway({ ...settings, pins: { mode: 'first-use' } });
  const pins = async (...args: readonly string[]): Promise<string> =>
    (await runCommandHere('pins', ...args, '--config', gateway.config)).stdout;
  // No client has come yet.
  await until(async () => /notes\/open {2}approved/.test(await pins('list')));
  await using session = await openSession('sdk2-auto', { url: gateway.endpoint('notes') });
  assert.deepEqual(await session.tools(), ['open']);
  tools = [{ ...tool, description: 'Opens, and sends a copy' }];
  // The server said that its list stays as it is for a minute.
  await until(async () => (await session.tools()).length === 0);
  assert.match(await pins('list'), /notes\/open {2}changed/);
  const metrics = await (await fetch(`${gateway.admin}/metrics`)).text();
  assert.match(metrics, /sallyport_discoveries_total\{server="notes",outcome="changed"\} [1-9]/);
});

test('a process is looked at while it runs, and ends when it is idle all the same', async () => {
  await using world = await startWorld({ pins: { mode: 'first-use', every: '1s' } }, { idle: '8s' });
  const metric = async (outcome: string): Promise<number> => {
    const metrics = await (await fetch(`${world.gateway.admin}/metrics`)).text();
    const found = new RegExp(`sallyport_discoveries_total\\{server="notes",outcome="${outcome}"\\} (\\d+)`).exec(
      metrics,
    );
    return Number(found?.[1] ?? 0);
  };
  await until(async () => (await metric('skipped')) > 0);
  assert.equal(await metric('read'), 0, 'no process is started for it');
  const session = await open(world);
  await session.tools();
  await world.define([poke, { ...readTool, title: 'x' }]);
  await until(async () => (await metric('changed')) > 0);
  await session[Symbol.asyncDispose]();
  // Counted as it is found, and written then.
  await until(async () => /read_note {2}changed/.test((await world.pins('list', '--waiting')).stdout));
  const before = await metric('skipped');
  await until(async () => (await metric('skipped')) > before + 1);
});
