/**
 * A6: rights end with what gave them. Everything that a caller can hold open, against every way in which its right can
 * end: what comes afterwards never reaches it, and what is under way is given up and withheld.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { type Gateway, startGateway } from '../harness.ts';
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
    async end({ gateway }) {
      const id = /"id":\s*"([^"]+)"/.exec(await command(gateway, 'key', 'list', '--json'))?.[1] ?? '';
      await command(gateway, 'key', 'revoke', id);
    },
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
