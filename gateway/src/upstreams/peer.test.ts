/** A legacy server that asks during a call, over a transport in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cancellation } from '../pipeline/cancellation.ts';
import type { OutboundCall } from '../pipeline/contracts/upstream.ts';
import { Peer } from './peer.ts';
import type { Transport } from './transport.ts';

test('a server is given no answer of a client that is gone', async () => {
  const peer = new Peer(
    'legacy',
    { firstByte: 60_000, total: 60_000 },
    { audience: 'one', onNotification() {}, onDown() {} },
  );
  const wire: string[] = [];
  const transport: Transport = {
    cancelsByNotification: true,
    hearing: 0,
    request(id) {
      const message = { kind: 'request', id: 77, method: 'elicitation/create', params: { message: 'Pay?' } } as const;
      queueMicrotask(() => peer.onMessage(message, 10, id, undefined));
      return undefined;
    },
    send: (text) => void wire.push(text),
    openStream() {},
    agreed() {},
    close: () => Promise.resolve(),
  };
  peer.attach(transport);
  const call: OutboundCall = {
    method: 'tools/call',
    params: { name: 'pay' },
    capabilities: { elicitation: {} },
    progress: false,
    mirrored: [],
    cancellation: new Cancellation(),
    onNotification() {},
  };
  const asked = await peer.call(call);
  assert.ok(asked.kind === 'input-required');
  const gone = new Cancellation();
  gone.cancel();
  const responses = { inputRequired: { action: 'accept', content: { ok: true } } };
  const step = await asked.answer(responses, { ...call, cancellation: gone });
  assert.deepEqual(step, { kind: 'failed', failure: { kind: 'cancelled' } });
  assert.deepEqual(
    wire.map((text) => (JSON.parse(text) as { readonly method?: string }).method),
    ['notifications/cancelled'],
  );
});
