/** An argument cannot hide behind the spelling of its name: what is decided on is what the server would read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meta, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { startGateway } from '../harness.ts';

/** How `path` can be spelled, and the name that the engine takes for it once that was in a text before. */
const spellings = [
  ['\\u0070ath', '\\u00'],
  ['p\\u0061th', 'p\\u0'],
  ['pa\\u0074h', 'pa\\u'],
  ['pat\\u0068', 'pat\\'],
] as const;

test('W11: a rule sees an argument however its name is spelled, whatever names were sent before', async () => {
  await using witness = await startWitness([{ name: 'open', inputSchema: { type: 'object' } }]);
  await using gateway = await startGateway({
    callers: { agents: { attacker: {} } },
    servers: { witness: { url: witness.url, tools: { open: { additionalArguments: true } } } },
    connections: [
      {
        name: 'all',
        from: { agent: 'attacker' },
        to: 'witness',
        tools: [{ allow: 'open', when: '!has(args.path)' }],
      },
    ],
  });
  const key = gateway.key('attacker');
  const call = (args: string): Promise<RawAnswer> =>
    sendRaw({
      url: gateway.endpoint('witness'),
      headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
      body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"open","_meta":${JSON.stringify(meta)},"arguments":${args}}}`,
    });
  for (const [index, [spelled, other]] of spellings.entries()) {
    for (let round = 0; round < 4; round++) {
      const { json } = await call(`{"first${index}":1,${JSON.stringify(other)}:2}`);
      assert.equal(json?.error, undefined);
    }
    witness.forget();
    const { body } = await call(`{"first${index}":1,"${spelled}":"/etc/passwd"}`);
    assert.match(body, /Not allowed by policy/, `${spelled}: ${body}`);
    assert.deepEqual(witness.calls(), [], spelled);
  }
});
