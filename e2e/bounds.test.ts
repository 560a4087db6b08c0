/** Every bound of the configuration, each at its edge: what is just within passes, what is beyond is refused clearly. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { legacyHeaders, meta, modernCall, modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from './harness.ts';

let witness: Witness;
let gateway: Gateway;
const body = 8 * 1024;

before(async () => {
  const huge = { type: 'object', properties: { a: { description: 'x'.repeat(5_000) } } };
  witness = await startWitness([
    { name: 'tool', inputSchema: { type: 'object', properties: { text: { type: 'string' }, deep: {} } } },
    { name: 'huge-schema', inputSchema: huge },
    {
      name: 'hostile-pattern',
      inputSchema: { type: 'object', properties: { text: { type: 'string', pattern: '^(a+)+$' } } },
    },
  ]);
  gateway = await startGateway({
    ...openSettings('client', { witness: { url: witness.url } }),
    bounds: {
      body: '8KiB',
      headers: '4KiB',
      depth: 16,
      idLength: 32,
      concurrency: 2,
      streams: 1,
      sessions: 1,
      schemaSize: '4KiB',
      keepAlive: '1s',
    },
  });
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

function call(args: object, name = 'tool', change: (text: string) => string = (text) => text): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('tools/call', name),
    body: change(modernCall(name, args)),
  });
}

test('body: as large as allowed, and one byte more', async () => {
  const room = body - Buffer.byteLength(modernCall('tool', { text: '' }));
  assert.equal((await call({ text: 'x'.repeat(room) })).status, 200);
  const refused = await call({ text: 'x'.repeat(room + 1) });
  assert.equal(refused.status, 413);
  assert.match(refused.body, /larger than 8192 bytes/);
});
test('body: chunked, without a declared length', async () => {
  const chunk = `2000\r\n${'x'.repeat(0x2000)}\r\n`;
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...modernHeaders('tools/call', 'tool'), ['Transfer-Encoding', 'chunked']],
    body: `${chunk}${chunk}0\r\n\r\n`,
  });
  assert.equal(answer.status, 413);
});
test('depth: as deep as allowed, and one level more', async () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  // The message, params, arguments and the argument itself stand around it.
  assert.equal((await call({ deep: nested(13) })).status, 200);
  assert.equal((await call({ deep: nested(14) })).json?.error?.code, -32_700);
});
test('headers: more than allowed', async () => {
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...modernHeaders('tools/call', 'tool'), ['X-Long', 'x'.repeat(5_000)]],
    body: modernCall('tool'),
  });
  assert.equal(answer.status, 431);
});
test('id: as long as allowed, and one character more', async () => {
  const withId = (length: number) => call({}, 'tool', (text) => text.replace('"id":7', `"id":"${'x'.repeat(length)}"`));
  assert.equal((await withId(32)).status, 200);
  assert.equal((await withId(33)).status, 400);
});
test('concurrency: the third request of a caller is told to come back', async () => {
  const waiting: (() => void)[] = [];
  const both = Promise.withResolvers<void>();
  witness.answer('tool', (response, { message }) => {
    waiting.push(() => sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }));
    if (waiting.length === 2) both.resolve();
  });
  const first = call({});
  const second = call({});
  await both.promise;
  const third = await call({});
  assert.equal(third.status, 429);
  assert.equal(third.headers.get('retry-after'), '1');
  for (const answer of waiting) answer();
  assert.equal((await first).status, 200);
  assert.equal((await second).status, 200);
  witness.answer('tool', (response, { message }) =>
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
  );
  assert.notEqual((await call({})).json?.result?.isError, true, 'and then there is room again');
});
test('streams: the second stream of a caller', async () => {
  const listen = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true }, _meta: meta },
  });
  const headers = Object.fromEntries(modernHeaders('subscriptions/listen'));
  const stop = new AbortController();
  const first = await fetch(gateway.endpoint('witness'), {
    method: 'POST',
    headers,
    body: listen,
    signal: stop.signal,
  });
  const reader = first.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader?.read())?.value ?? '', /subscriptions\/acknowledged/);
  // An idle stream is kept open by comments; the next thing that comes is one.
  assert.match((await reader?.read())?.value ?? '', /^:/);
  const second = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: modernHeaders('subscriptions/listen'),
    body: listen,
  });
  assert.equal(second.json?.error?.code, 429, second.body);
  stop.abort();
});
test('sessions: an idle one makes room for the next', async () => {
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  };
  for (let count = 0; count < 3; count++) {
    const answer = await sendRaw({
      url: gateway.endpoint('witness'),
      headers: legacyHeaders,
      body: JSON.stringify(initialize),
    });
    assert.equal(answer.status, 200, answer.body);
  }
});
test('schema: a tool whose schema is larger than allowed is not offered', async () => {
  assert.match((await call({}, 'huge-schema')).body, /Unknown tool/);
});
test('schema: a hostile pattern costs nothing', async () => {
  const started = process.hrtime.bigint();
  const answer = await call({ text: `${'a'.repeat(4_000)}!` }, 'hostile-pattern');
  assert.equal(answer.json?.result?.isError, true, answer.body);
  // Not a timed test: with a backtracking engine this line would not be reached in years.
  assert.ok(process.hrtime.bigint() > started);
});
