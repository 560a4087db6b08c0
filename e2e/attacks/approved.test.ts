/** What a person approved is asked to do something else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { openSettings, startGateway } from '../harness.ts';
import { legacyHeaders, sendRaw } from './raw.ts';
import { sendJson, startWitness } from './witness.ts';

const pending = /waits for the approval of a person.*approval (ap_[a-z0-9]+)/;

test('an approval to read a resource is of no subscription, and none is asked for one', async () => {
  const capabilities = { tools: {}, prompts: {}, resources: { subscribe: true } };
  await using witness = await startWitness([], { capabilities });
  const agent = 'client';
  await using gateway = await startGateway({
    ...openSettings(agent, { witness: { url: witness.url } }),
    connections: [{ name: 'held', from: { agent }, to: 'witness', resources: [{ hold: 'doc://**' }] }],
  });
  const url = gateway.endpoint('witness');
  const client = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  const begun = await sendRaw({
    url,
    headers: legacyHeaders,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: client }),
  });
  const headers = [
    ...legacyHeaders,
    ['Mcp-Session-Id', begun.headers.get('mcp-session-id') ?? ''],
    ['MCP-Protocol-Version', '2025-11-25'],
  ] as const;
  const ask = async (method: string): Promise<string> =>
    (
      await sendRaw({
        url,
        headers,
        body: JSON.stringify({ jsonrpc: '2.0', id: 2, method, params: { uri: 'doc://projects/1' } }),
      })
    ).body;
  witness.answer('resources/read', (response, { message: { id } }) =>
    sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', contents: [] } }),
  );
  assert.match(
    await ask('resources/subscribe'),
    /a person can approve that it is read, and not that its changes are told/,
  );
  const id = pending.exec(await ask('resources/read'))?.[1] ?? assert.fail('it is not held');
  assert.equal((await runCommandHere('approval', 'approve', id, '--config', gateway.config)).code, 0);
  assert.match(await ask('resources/subscribe'), /a person can approve that it is read/);
  assert.match(await ask('resources/read'), /"contents":\[\]/);
});
