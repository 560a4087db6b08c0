/** C6: what one call is refused with may mean a lost connection or nothing: the server is asked before anything is dropped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { sharedGateway } from '../shared-gateway.ts';
import { openAskingClient } from './asking-client.ts';

const shared = sharedGateway(8);

const ofTools = [
  'Payment session 7 not found: the order was charged before',
  'Invalid session',
  'the shell session of "a.txt" expired',
];

for (const era of ['legacy', 'modern'] as const)
  test(`C6: an error of a tool that speaks of a session of its own is not repeated, for a ${era} server`, async () => {
    await using server = new OtherServer({ eras: era });
    await using client = await openAskingClient(await shared.place(server), era);
    for (const [index, said] of ofTools.entries()) {
      await assert.rejects(client.call('fail', { a: said }), (error: Error) =>
        error.message.includes(said.slice(0, 12)),
      );
      assert.equal(server.core.countOf('tools/call'), index + 1, said);
    }
    // The session of before is still in use.
    assert.ok(server.core.countOf('initialize') <= 1);
  });

const invalid = { code: -32602, message: 'Invalid arguments for tool fail' };
const refusals = {
  '400 and the reason': { status: 400, body: { jsonrpc: '2.0', error: invalid } },
  '400 alone': { status: 400 },
  '401 without a challenge': { status: 401 },
};

for (const [name, refusal] of Object.entries(refusals))
  test(`C6: calls that are refused with ${name} in a session that lives are made once, and take no other with them`, async () => {
    await using server = new OtherServer({ eras: 'legacy', refused: { fail: refusal } });
    await using client = await openAskingClient(await shared.place(server), 'legacy');
    const waiting = Array.from({ length: 3 }, () => client.call('wait'));
    await server.until(() => server.core.countOf('tools/call') === waiting.length);
    const said = await Promise.all(
      Array.from({ length: 20 }, (_, a) => client.call('fail', { a }).catch((error: Error) => error.message)),
    );
    const expected =
      name === '400 and the reason' ? /Invalid arguments for tool fail/ : /cannot be reached at the moment/;
    for (const text of said) assert.match(text, expected);
    assert.equal(server.core.countOf('tools/call'), waiting.length + said.length);
    assert.equal(server.core.countOf('initialize'), 1);
    server.core.release();
    assert.deepEqual(await Promise.all(waiting), ['waited', 'waited', 'waited']);
  });

test('C6: a call that is refused with 400 takes no call of another caller with it', async () => {
  await using witness = await startWitness([{ name: 'slow' }, { name: 'refused' }]);
  await using gateway = await startGateway(openSettings('client', { witness: { url: witness.url } }));
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  witness.answer('slow', (response, { message }) => {
    begin();
    const result = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };
    void released.then(() => sendJson(response, { jsonrpc: '2.0', id: message.id, result }));
  });
  witness.answer('refused', (response) => {
    response.writeHead(400, { 'content-type': 'text/html' }).end('<h1>Request Header Or Cookie Too Large</h1>');
  });
  const call = (tool: string) =>
    sendRaw({
      url: gateway.endpoint('witness'),
      headers: modernHeaders('tools/call', tool),
      body: modernCall(tool),
    });
  const slow = call('slow');
  await begun;
  for (let count = 0; count < 3; count++) await call('refused');
  release();
  const { json, body } = await slow;
  assert.match(JSON.stringify(json?.result?.content ?? body), /done/);
});

// With 400, this server refuses a ping as well.
for (const status of [400, 404])
  test(`C6: where ${status} says nothing of the session, few are begun for it, and others keep their calls`, async () => {
    await using server = new OtherServer({
      eras: 'legacy',
      refused: { fail: { status }, ...(status === 404 ? {} : { ping: { status } }) },
    });
    await using client = await openAskingClient(await shared.place(server), 'legacy');
    const waiting: Promise<string>[] = [];
    for (let a = 0; a < 12; a++) {
      const before = server.core.countOf('tools/call');
      waiting.push(client.call('wait'));
      await server.until(() => server.core.countOf('tools/call') > before);
      assert.match(await client.call('fail', { a }), /cannot be reached/);
    }
    server.core.release();
    assert.deepEqual(
      await Promise.all(waiting),
      waiting.map(() => 'waited'),
    );
    assert.ok(server.core.countOf('initialize') <= 6, `${server.core.countOf('initialize')} sessions`);
    if (status !== 404) return;
    // One that is lost is begun anew all the same, as this server answers pings in one that it knows.
    server.forgetSessions();
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  });

test('C6: a server that knows no ping has forgotten no session where it refuses arguments', async () => {
  const unknown = { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' } };
  const refused = { fail: { status: 400 }, ping: { status: 400, body: unknown } };
  await using server = new OtherServer({ eras: 'legacy', refused });
  await using client = await openAskingClient(await shared.place(server), 'legacy');
  for (let a = 1; a <= 3; a++) {
    assert.match(await client.call('fail', { a }), /cannot be reached/);
    assert.equal(server.core.countOf('tools/call'), a);
  }
  assert.equal(server.core.countOf('initialize'), 1);
});
