/** C2, C7, C13, D4: lists of servers that promise changes and cannot tell them, that end oddly, or that fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtherServer } from '../fixtures/other/http.ts';
import { gatewayFile } from '../harness.ts';
import { patienceMs, runToEnd } from '../process.ts';
import { sharedGateway } from '../shared-gateway.ts';
import { openAskingClient } from './asking-client.ts';

const announces = { capabilities: { tools: { listChanged: true } } } as const;

// The same call is made many times within a second.
const shared = sharedGateway(6, { loops: 'off' });

async function namesAt(client: Awaited<ReturnType<typeof openAskingClient>>): Promise<readonly string[]> {
  return (await client.client.listTools(undefined, { cacheMode: 'refresh' })).tools.map(({ name }) => name);
}

test('C2: a call that the remembered schema refuses is checked against the list of now', async () => {
  await using server = new OtherServer({ eras: 'legacy', stateless: true, ...announces });
  await using client = await openAskingClient(await shared.place(server), 'modern');
  assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  // A deployment: the same tool takes another argument, and nothing tells so.
  server.core.behaviour = { eras: 'legacy', echoArgument: 'b', ...announces };
  // Lists are not read more than once in a second, however often a schema refuses.
  const since = performance.now();
  let said = '';
  while (!said.includes('"b":2') && performance.now() - since < 10_000) said = await client.call('echo', { b: 2 });
  assert.match(said, /"b":2/);
  assert.ok(server.core.countOf('tools/list') <= 2 + (performance.now() - since) / 1_000);
});

test('C2: a list whose changes cannot be heard is read again, one whose changes are heard is not', async () => {
  await using deaf = new OtherServer({ eras: 'legacy', stateless: true, ...announces });
  await using heard = new OtherServer({ eras: 'legacy', ...announces });
  await shared.place(deaf);
  await using client = await openAskingClient(await shared.place(heard), 'legacy');
  await namesAt(client);
  heard.core.extraTools = ['added'];
  heard.push('notifications/tools/list_changed');
  await heard.until(() => heard.core.countOf('tools/list') > 1);
  assert.ok((await namesAt(client)).includes('added'));
});

test('D4: a time to live of 0 is honoured for lists', async () => {
  await using server = new OtherServer({ eras: 'modern' });
  await using client = await openAskingClient(await shared.place(server), 'modern');
  assert.ok(!(await namesAt(client)).includes('added'));
  server.core.extraTools = ['added'];
  // At once, save for a few times of what compiling the list took; a list that is remembered stays for 30 s.
  const since = performance.now();
  while (!(await namesAt(client)).includes('added')) assert.ok(performance.now() - since < 10_000);
});

test('C7: an empty cursor ends a list, and begins one', async () => {
  await using server = new OtherServer({ eras: 'legacy', listMembers: { nextCursor: '' } });
  await using client = await openAskingClient(await shared.place(server), 'legacy');
  assert.ok((await namesAt(client)).includes('echo'));
  const { tools } = await client.client.listTools({ cursor: '' });
  assert.ok(tools.some(({ name }) => name === 'echo'));
});

test('C13: what a server answers to a list request is in the log and in a probe', async () => {
  const listError = { code: -32603, message: 'the database is away' };
  await using server = new OtherServer({ eras: 'legacy', listError });
  const url = await shared.place(server);
  await using client = await openAskingClient(url, 'modern');
  await assert.rejects(namesAt(client));
  const { gateway } = shared;
  await gateway.until(() => /tools\/list was answered with -32603: the database is away/.test(gateway.errors()));
  const probed = await runToEnd({
    command: [
      process.execPath,
      gatewayFile,
      'server',
      'probe',
      url.split('/').at(-2) ?? '',
      '--config',
      gateway.config,
    ],
    within: patienceMs,
  });
  assert.match(probed.stdout, /tools\/list was answered with -32603: the database is away/);
});
