/** D2: trace context passes by an allow-list, within a bound, and towards the server only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

for (const eras of ['legacy', 'modern'] as const)
  test(`D2: a ${eras} server gets the identity of the trace and no baggage, and sets none`, async () => {
    await using server = await new OtherServer({ eras }).listen();
    await using gateway = await startGateway(openSettings('client', { other: { url: server.url } }));
    await using client = await openAskingClient(gateway.endpoint('other'), eras);
    const call = async (meta: Record<string, unknown>) => {
      const result = await client.client.callTool({ name: 'meta', arguments: {}, _meta: meta });
      const [{ text } = { text: '' }] = result.content as { text: string }[];
      return { seen: JSON.parse(text) as Record<string, unknown>, meta: result._meta ?? {} };
    };
    const { seen, meta } = await call({
      traceparent,
      tracestate: 'vendor=1',
      baggage: `user=ada,${'x'.repeat(20_000)}`,
      'example.com/own': 'kept',
    });
    assert.equal(seen.traceparent, traceparent);
    assert.equal(seen.tracestate, 'vendor=1');
    assert.equal(seen.baggage, undefined);
    assert.equal(seen['example.com/own'], 'kept');
    assert.equal(meta.traceparent, undefined);
    assert.equal(meta.kept, 1);
    const odd = await call({ traceparent: 'x'.repeat(20_000), tracestate: 'y'.repeat(513) });
    assert.deepEqual([odd.seen.traceparent, odd.seen.tracestate], [undefined, undefined]);
  });
