/**
 * A6: rights end with what gave them. Everything that a caller can hold open, against every way in which its right can
 * end: what comes afterwards never reaches it, and what is under way is given up and withheld.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { until } from '../until.ts';
import { nothingReaches, type World } from './holding.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

/** Each ends the right of the caller. `late`: it takes effect when the clock says so. */
const ways: Readonly<
  Record<
    string,
    { readonly expires?: string; readonly stillConnected?: boolean; readonly end: (world: World) => Promise<unknown> }
  >
> = {
  'its key is revoked': {
    end: ({ gateway }) => revokeKey(gateway),
  },
  'its key expires': { expires: '4s', end: () => Promise.resolve() },
  'its role is removed': {
    end: ({ gateway }) => reload(gateway, (file) => (file.callers = { roles: { reader: {} }, agents: { client: {} } })),
  },
  'it is not declared any more': {
    end: ({ gateway }) => reload(gateway, (file) => (file.callers = { roles: { reader: {} }, agents: {} })),
  },
  'its connection is removed': { end: ({ gateway }) => reload(gateway, (file) => (file.connections = [])) },
  'the rule is removed': {
    stillConnected: true,
    end: ({ gateway }) =>
      reload(gateway, (file) => {
        file.connections = [{ name: 'less', from: { role: 'reader' }, to: 'pushing', tools: [{ allow: 'plain' }] }];
      }),
  },
  'the server is switched off': {
    end: ({ server, gateway }) =>
      reload(gateway, (file) => (file.servers = { pushing: { url: server.url, status: 'inactive' } })),
  },
};

/** Of the only key. */
async function revokeKey(gateway: Gateway): Promise<void> {
  const id = /"id":\s*"([^"]+)"/.exec(await command(gateway, 'key', 'list', '--json'))?.[1] ?? '';
  await command(gateway, 'key', 'revoke', id);
}

async function command(gateway: Gateway, ...args: readonly string[]): Promise<string> {
  const run = await runCommandHere(...args, '--config', gateway.config);
  assert.equal(run.code, 0, run.stderr);
  return run.stdout.trim();
}

for (const [name, { expires, end, stillConnected }] of Object.entries(ways))
  test(`A6, D5: nothing reaches a caller after ${name}`, async () => {
    await using server = await new PushingServer().listen();
    await using gateway = await startGateway({
      callers: { roles: { reader: {} }, agents: { client: { roles: ['reader'] } } },
      servers: { pushing: { url: server.url } },
      connections: [
        {
          name: 'all',
          from: { role: 'reader' },
          to: 'pushing',
          tools: [{ allow: '*' }],
          resources: [{ allow: '*' }],
        },
      ],
    });
    const key = await command(
      gateway,
      'key',
      'create',
      '--agent',
      'client',
      '--quiet',
      ...(expires === undefined ? [] : ['--expires', expires]),
    );
    const world = { server, gateway, key };
    await nothingReaches(world, () => end(world), stillConnected);
  });

test('A6: a request for a list whose key is revoked meanwhile may have been made, and its answer is withheld', async () => {
  await using witness = await startWitness([{ name: 'search' }]);
  const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>();
  witness.answer('prompts/list', (response, { message: { id } }) =>
    ask(() =>
      sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', prompts: [{ name: 'open' }] } }),
    ),
  );
  await using gateway = await startGateway(openSettings('client', { s: { url: witness.url } }));
  const key = await command(gateway, 'key', 'create', '--agent', 'client', '--quiet');
  const list = (method: string) =>
    sendRaw({
      url: gateway.endpoint('s'),
      headers: [...modernHeaders(method), ['Authorization', `Bearer ${key}`]],
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: meta } }),
    });
  const listing = list('prompts/list');
  const answer = await asked;
  await revokeKey(gateway);
  await until(async () => (await list('tools/list')).status === 401, 'the end of the key');
  answer();
  const { body } = await listing;
  assert.match(body, /The right to make this call ended while it was under way: it may have been made/);
  assert.equal(body.includes('"open"'), false);
});
