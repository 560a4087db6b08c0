/** C10: a request of a server that cannot be read ends no call: ids of its requests are its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

const program = `
const say = (text) => process.stdout.write(text + '\\n');
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  const answer = (result) => say(JSON.stringify({ jsonrpc: '2.0', id, result }));
  if (method === 'initialize')
    answer({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'odd', version: '1' } });
  if (method === 'tools/list') answer({ tools: [{ name: 'ask', inputSchema: { type: 'object' } }] });
  if (method !== 'tools/call') return;
  say('{"jsonrpc":"2.0","id":' + id + ',"method":"sampling/createMessage","params":{broken}');
  answer({ content: [{ type: 'text', text: 'here it is' }] });
});
`;

test('C10: a request of a program that cannot be read ends no call with the same id', async () => {
  await using gateway = await startGateway(
    openSettings('client', { odd: { command: [process.execPath, '-e', program], era: 'legacy' } }),
  );
  await using client = await openAskingClient(gateway.endpoint('odd'), 'legacy');
  assert.match(await client.call('ask'), /here it is/);
});
