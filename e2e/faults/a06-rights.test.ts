/**
 * A6: rights end with what gave them. Everything that a caller can hold open, against every way in which its right can
 * end: what comes afterwards never reaches it, and what is under way is given up and withheld.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { until } from '../until.ts';
import { nothingReaches } from './holding.ts';
import { PushingServer } from './pushing.ts';
import { reload } from './reload.ts';

/** The part of the configuration that ends rights. */
interface File {
  callers: { roles: Record<string, object>; agents: Record<string, object> };
  servers: Record<string, object>;
  connections: { readonly name: string; readonly tools: readonly object[]; readonly resources?: readonly object[] }[];
}

const change = (edit: (file: File) => void): Promise<void> => reload(gateway, (file) => edit(file as unknown as File));

/** Each ends the right of the caller, whose role, connection and server are called as the caller is. */
const ways: Readonly<
  Record<
    string,
    { readonly expires?: string; readonly stillConnected?: boolean; readonly end: (name: string) => Promise<unknown> }
  >
> = {
  'its key is revoked': { end: (name) => revokeKey(name) },
  // It takes effect when the clock says so.
  'its key expires': { expires: '4s', end: () => Promise.resolve() },
  'its role is removed': { end: (name) => change(({ callers }) => (callers.agents[name] = {})) },
  'it is not declared any more': { end: (name) => change(({ callers }) => delete callers.agents[name]) },
  'its connection is removed': {
    end: (name) => change((file) => (file.connections = file.connections.filter((each) => each.name !== name))),
  },
  'the rule is removed': {
    stillConnected: true,
    end: (name) =>
      change((file) => {
        const { resources: _resources, ...less } = file.connections.find((each) => each.name === name) ?? assert.fail();
        file.connections = file.connections.map((each) =>
          each.name === name ? { ...less, name: 'less', tools: [{ allow: 'plain' }] } : each,
        );
      }),
  },
  'the server is switched off': {
    end: (name) =>
      change(({ servers }) => {
        servers[name] = { ...servers[name], status: 'inactive' };
      }),
  },
};

/** One caller and one server for each way, behind one gateway. */
const nameOf = (way: string): string => way.replaceAll(' ', '-');
const pushing = new Map<string, PushingServer>();
let witness: Witness;
let gateway: Gateway;

before(async () => {
  for (const way of Object.keys(ways)) pushing.set(nameOf(way), await new PushingServer().listen());
  witness = await startWitness([{ name: 'search' }]);
  const names = [...pushing.keys()];
  const all = { tools: [{ allow: '*' }], resources: [{ allow: '*' }] };
  gateway = await startGateway({
    callers: {
      roles: Object.fromEntries(names.map((name) => [name, {}])),
      agents: { ...Object.fromEntries(names.map((name) => [name, { roles: [name] }])), client: {} },
    },
    servers: {
      ...Object.fromEntries([...pushing].map(([name, { url }]) => [name, { url }])),
      witness: { url: witness.url },
    },
    connections: [
      ...names.map((name) => ({ name, from: { role: name }, to: name, ...all })),
      { name: 'witness', from: { agent: 'client' }, to: 'witness', prompts: [{ allow: '*' }], ...all },
    ],
  });
});
after(async () => {
  await gateway.stop();
  for (const server of [...pushing.values(), witness]) await server[Symbol.asyncDispose]();
});

/** Of the only key of this agent. */
async function revokeKey(agent: string): Promise<void> {
  const { keys } = JSON.parse(await command('key', 'list', '--json')) as { keys: { id: string; caller: string }[] };
  const [key, ...others] = keys.filter(({ caller }) => caller === `agent:${agent}`);
  assert.ok(key !== undefined && others.length === 0);
  await command('key', 'revoke', key.id);
}

async function command(...args: readonly string[]): Promise<string> {
  const run = await runCommandHere(...args, '--config', gateway.config);
  assert.equal(run.code, 0, run.stderr);
  return run.stdout.trim();
}

const createKey = (agent: string, ...more: readonly string[]): Promise<string> =>
  command('key', 'create', '--agent', agent, '--quiet', ...more);

for (const [name, { expires, end, stillConnected }] of Object.entries(ways))
  test(`A6, D5: nothing reaches a caller after ${name}`, async () => {
    const caller = nameOf(name);
    const server = pushing.get(caller) ?? assert.fail();
    const key = await createKey(caller, ...(expires === undefined ? [] : ['--expires', expires]));
    await nothingReaches({ server, gateway, name: caller, key }, () => end(caller), stillConnected);
  });

test('A6: a request for a list whose key is revoked meanwhile may have been made, and its answer is withheld', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>();
  witness.answer('prompts/list', (response, { message: { id } }) =>
    ask(() =>
      sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', prompts: [{ name: 'open' }] } }),
    ),
  );
  const key = await createKey('client');
  const list = (method: string) =>
    sendRaw({
      url: gateway.endpoint('witness'),
      headers: [...modernHeaders(method), ['Authorization', `Bearer ${key}`]],
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { _meta: meta } }),
    });
  const listing = list('prompts/list');
  const answer = await asked;
  await revokeKey('client');
  await until(async () => (await list('tools/list')).status === 401, 'the end of the key');
  answer();
  const { body } = await listing;
  assert.match(body, /The right to make this call ended while it was under way: it may have been made/);
  assert.equal(body.includes('"open"'), false);
});
