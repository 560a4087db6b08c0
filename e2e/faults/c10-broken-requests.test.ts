/** C10: a request of a server that cannot be read ends no call: ids of its requests are its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';
import { programWith } from './program-with.ts';

const program = programWith(
  'ask',
  `console.log('{"jsonrpc":"2.0","id":' + id + ',"method":"sampling/createMessage","params":{broken}');
    send({ id, result: { content: [{ type: 'text', text: 'here it is' }] } });`,
);

test('C10: a request of a program that cannot be read ends no call with the same id', async () => {
  await using gateway = await startGateway(
    openSettings('client', { odd: { command: [process.execPath, '-e', program], era: 'legacy' } }),
  );
  await using client = await openAskingClient(gateway.endpoint('odd'), 'legacy');
  assert.match(await client.call('ask'), /here it is/);
});
