/** The idiom of the documentation for optional members closes for what is no map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';

test('A18: a rule with "!has(args.o.limit) || …" does not open for an o that is a text, a list or a number', async () => {
  await using witness = await startWitness([
    { name: 'allowed', inputSchema: { type: 'object', properties: { o: {} } } },
    { name: 'looped', inputSchema: { type: 'object', properties: { rows: {} } } },
  ]);
  const settings = openSettings('client', { witness: { url: witness.url } });
  await using gateway = await startGateway({
    ...settings,
    connections: [
      {
        name: 'limited',
        from: { agent: 'client' },
        to: 'witness',
        tools: [
          { allow: 'allowed', when: '!has(args.o.limit) || args.o.limit <= 5' },
          { allow: 'looped', when: 'args.rows.all(row, !has(row.limit) || row.limit <= 5)' },
        ],
      },
    ],
  });
  const call = async (name: string, args: object): Promise<boolean> => {
    const before = witness.calls().length;
    await sendRaw({
      url: gateway.endpoint('witness'),
      headers: modernHeaders('tools/call', name),
      body: modernCall(name, args),
    });
    return witness.calls().length > before;
  };
  for (const o of ['{"limit":1000}', 'limit=1000', ['limit', 1000], [{ limit: 1000 }], 1000, true, null]) {
    assert.equal(await call('allowed', { o }), false, JSON.stringify(o));
    assert.equal(await call('looped', { rows: [{ limit: 1 }, o] }), false, JSON.stringify(o));
  }
  assert.equal(await call('allowed', {}), false);
  for (const o of [{}, { limit: 5 }, { other: 9 }]) {
    assert.equal(await call('allowed', { o }), true, JSON.stringify(o));
    assert.equal(await call('looped', { rows: [o, o] }), true, JSON.stringify(o));
  }
  assert.equal(await call('allowed', { o: { limit: 6 } }), false);
});
