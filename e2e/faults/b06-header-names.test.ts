/** Header names are tokens of RFC 9110 (5.6.2): an underscore is one of their characters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';

test('B6: a fixed header with underscores reaches the server, and what is no token is refused', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const settings = (name: string) =>
    openSettings('bot', { notes: { url: witness.url, headers: { [name]: '${env:CONTEXT7}' } } });
  const env = { CONTEXT7: 'value' };
  await using gateway = await startGateway(settings('CONTEXT7_API_KEY'), { env });
  const headers = modernHeaders('tools/call', 'open');
  assert.equal((await sendRaw({ url: gateway.endpoint('notes'), headers, body: modernCall('open') })).status, 200);
  assert.equal(witness.calls().at(-1)?.headers['context7_api_key'], 'value');
  await assert.rejects(startGateway(settings('no token'), { env }), /CFG013[^\n]*no token/);
});
