/** A stdio server that all callers share: what it logs about one call reaches no other caller. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { openSettings, startGateway } from '../harness.ts';

const chatty = {
  command: [process.execPath, join(import.meta.dirname, 'chatty-server.ts'), 'logs'],
  era: 'legacy',
  sharing: 'shared',
};

test('A9: log messages of a shared stdio server stay with the operator, and no caller sets its level', async () => {
  await using gateway = await startGateway(openSettings('client', { shared: chatty }));
  const answer = await sendRaw({
    url: gateway.endpoint('shared'),
    headers: modernHeaders('tools/call', 'tool'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: {
        name: 'tool',
        arguments: { a: 'planted-argument' },
        _meta: { ...meta, 'io.modelcontextprotocol/logLevel': 'debug' },
      },
    }),
  });
  assert.match(answer.body, /said/);
  assert.doesNotMatch(answer.body, /planted-argument|LEVEL/);
});
