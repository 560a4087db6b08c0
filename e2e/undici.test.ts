/** The HTTP client to fall back to: the same calls, streams, failures and limits as through our own one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { sendEvents, startWitness, type Witness } from './attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from './harness.ts';

let witness: Witness;
let gateway: Gateway;

before(async () => {
  witness = await startWitness([{ name: 'open' }]);
  gateway = await startGateway(
    openSettings('a', {
      notes: { url: witness.url, httpClient: 'undici', connections: 2, timeouts: { firstByte: '2s' } },
      nowhere: { url: 'http://127.0.0.1:9/mcp', httpClient: 'undici' },
    }),
  );
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

const call = (server = 'notes') =>
  sendRaw({ url: gateway.endpoint(server), headers: modernHeaders('tools/call', 'open'), body: modernCall('open') });

test('calls are answered, more of them at once than there are connections', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => call()));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(witness.calls().length, 20);
  for (const answer of answers) assert.doesNotMatch(answer.body, /isError/);
});

test('an answer that is a stream of events arrives, and a call that hangs or breaks off says that it may have been made', async () => {
  witness.answer('open', (response, { message }) => {
    const result = { resultType: 'complete', content: [{ type: 'text', text: 'by events' }] };
    sendEvents(response, `data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`);
  });
  assert.match((await call()).body, /by events/);
  witness.answer('open', (response) => response.destroy());
  assert.match((await call()).body, /may have been made/);
  // Nothing is answered: the time that the server has is over after two seconds.
  witness.answer('open', () => {});
  assert.match((await call()).body, /did not answer in time/);
});

test('a server that is not there is unavailable', async () => {
  assert.match((await call('nowhere')).body, /cannot be reached/);
});
