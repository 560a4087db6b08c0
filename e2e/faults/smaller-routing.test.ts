/** Smaller faults of routing: who answers for a URI at the portal, and what of a completion goes on to the server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';
import { httpAnswer, startBreaking } from './broken-bytes.ts';

/** A modern server with these lists, which answers reads with its name. */
function startListing(name: string, lists: object) {
  return startBreaking(({ body }) => {
    const { id, method } = JSON.parse(body) as { id: number; method: string };
    const result = {
      resultType: 'complete',
      ttlMs: 60_000,
      supportedVersions: ['2026-07-28'],
      capabilities: { resources: {} },
      resources: [],
      resourceTemplates: [],
      ...lists,
      ...(method === 'resources/read' ? { contents: [{ uri: 'doc://one', text: `by ${name}` }] } : {}),
    };
    return { bytes: httpAnswer('length', { jsonrpc: '2.0', id, result }) };
  });
}

test('smaller: a later server that lists a URI does not take it from one that has it behind a template', async () => {
  await using first = await startListing('first', { resourceTemplates: [{ uriTemplate: 'doc://{id}', name: 'doc' }] });
  await using second = await startListing('second', { resources: [{ uri: 'doc://one', name: 'one' }] });
  await using gateway = await startGateway(
    openSettings('client', {
      first: { url: `${first.origin}/mcp`, era: 'modern' },
      second: { url: `${second.origin}/mcp`, era: 'modern' },
    }),
  );
  const ask = (method: string, params: object = {}, name?: string) =>
    sendRaw({
      url: `${gateway.mcp}/mcp`,
      headers: modernHeaders(method, name),
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }),
    });
  for (const method of ['resources/list', 'resources/templates/list']) assert.equal((await ask(method)).status, 200);
  const read = await ask('resources/read', { uri: 'doc://one' }, 'doc://one');
  assert.match(read.body, /by first/);
});

test('smaller: completion forwards the members of the protocol and no others', async () => {
  await using witness = await startWitness([]);
  await using gateway = await startGateway(openSettings('client', { witness: { url: witness.url } }));
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('completion/complete'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'completion/complete',
      params: {
        ref: { type: 'ref/prompt', name: 'open' },
        argument: { name: 'a', value: 'b', smuggled: 1 },
        context: { arguments: { c: 'd' }, smuggled: 2 },
        _meta: meta,
      },
    }),
  });
  assert.equal(answer.status, 200, answer.body);
  const [seen] = witness.calls();
  assert.deepEqual(seen?.message.params.argument, { name: 'a', value: 'b' });
  assert.deepEqual(seen?.message.params.context, { arguments: { c: 'd' } });
});
