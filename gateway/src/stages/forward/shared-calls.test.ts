import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { OutboundCall, Step, UpstreamClient } from '../../pipeline/contracts/upstream.ts';
import { SharedCalls } from './shared-calls.ts';

/** It connects before it looks at what has become of the call. */
class Connecting {
  readonly server = 'a';
  readonly #connected = Promise.withResolvers<void>();
  made = 0;

  connect(): void {
    this.#connected.resolve();
  }

  async call({ cancellation }: OutboundCall): Promise<Step> {
    await this.#connected.promise;
    if (cancellation.cancelled) return { kind: 'failed', failure: { kind: 'cancelled' } };
    this.made++;
    return { kind: 'result', result: {}, bytes: 2 };
  }
}

type Exchange = Parameters<SharedCalls['call']>[0];

function exchangeOf(id: string, upstream: Connecting): Exchange {
  const caller = { key: 'caller', credential: { id: 'credential' } };
  const exchange = { id, caller, client: { era: 'legacy' }, tool: { digest: 'digest' }, checks: { add: () => {} } };
  return { ...exchange, upstream: upstream as unknown as UpstreamClient } as unknown as Exchange;
}

function callOf(): OutboundCall {
  return {
    method: 'tools/call',
    params: { name: 'tool' },
    capabilities: {},
    progress: false,
    mirrored: [],
    cancellation: new Cancellation(),
    onNotification: () => {},
  };
}

test('a call like one that all clients have given up is made, also before that one hears of it', async () => {
  const upstream = new Connecting();
  const shared: string[] = [];
  const calls = new SharedCalls((server) => shared.push(server));
  const first = callOf();
  const given = calls.call(exchangeOf('1', upstream), first);
  first.cancellation.cancel();
  assert.deepEqual(await given, { kind: 'failed', failure: { kind: 'cancelled' } });
  const second = calls.call(exchangeOf('2', upstream), callOf());
  const third = calls.call(exchangeOf('3', upstream), callOf());
  upstream.connect();
  for (const step of [await second, await third]) assert.equal(step.kind, 'result');
  assert.equal(upstream.made, 1, 'the third goes with the second');
  assert.deepEqual(shared, ['a']);
  assert.equal(calls.size, 0);
});
