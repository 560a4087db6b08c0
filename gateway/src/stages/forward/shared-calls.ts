/**
 * Identical calls of one caller that are under way at the same time, made once. Each of them has its own record, and its
 * own way back through the inspectors; the server is asked once, and given up when all of them have gone.
 */
import { hash } from 'node:crypto';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { OutboundCall, Step, UpstreamClient } from '../../pipeline/contracts/upstream.ts';
import type { Intended } from '../../pipeline/exchange.ts';

interface Shared {
  readonly id: string;
  readonly key: string;
  readonly step: Promise<Step>;
  readonly cancellation: Cancellation;
  readonly calls: Set<OutboundCall>;
}

const cancelled: Step = { kind: 'failed', failure: { kind: 'cancelled' } };

export class SharedCalls {
  /** By call and caller: no more than calls are under way. */
  readonly #known = new Map<string, Shared>();
  readonly #onShared: (server: string) => void;
  /** A server that was configured anew is another one, whatever its name. */
  readonly #upstreams = new WeakMap<UpstreamClient, number>();
  #count = 0;

  /** `onShared`: told of a call that is not made. */
  constructor(onShared: (server: string) => void) {
    this.#onShared = onShared;
  }

  get size(): number {
    return this.#known.size;
  }

  /** The call itself, or the end of one that was made a moment ago. */
  async call(exchange: Intended, call: OutboundCall): Promise<Step> {
    const key = keyOf(exchange, call, this.#numberOf(exchange.upstream));
    const known = this.#known.get(key);
    if (known !== undefined) {
      exchange.checks.add({ name: 'coalesce', part: 'call', verdict: `made once, with ${known.id}` });
      this.#onShared(exchange.upstream.server);
    }
    const shared = known ?? this.#begin(key, exchange, call);
    return this.#join(shared, call);
  }

  #numberOf(upstream: UpstreamClient): number {
    const known = this.#upstreams.get(upstream) ?? ++this.#count;
    this.#upstreams.set(upstream, known);
    return known;
  }

  #begin(key: string, { id, upstream }: Intended, call: OutboundCall): Shared {
    const cancellation = new Cancellation();
    const calls = new Set<OutboundCall>();
    const step = upstream
      .call({
        ...call,
        // None of the clients answers for the others.
        own: true,
        capabilities: {},
        cancellation,
        onNotification: (method, params) => {
          for (const each of calls) each.onNotification(method, params);
        },
      })
      .finally(() => this.#forget(shared));
    const shared: Shared = { id, key, step, cancellation, calls };
    this.#known.set(key, shared);
    return shared;
  }

  /** The next one like it is a call of its own. */
  #forget(shared: Shared): void {
    if (this.#known.get(shared.key) === shared) this.#known.delete(shared.key);
  }

  async #join(shared: Shared, call: OutboundCall): Promise<Step> {
    const { step, cancellation, calls } = shared;
    calls.add(call);
    const { promise: gone, resolve } = Promise.withResolvers<Step>();
    const stop = call.cancellation.onCancel(() => {
      calls.delete(call);
      if (calls.size === 0) {
        // It may wait for a connection or a credential before it hears of that.
        this.#forget(shared);
        cancellation.cancel();
      }
      resolve(cancelled);
    });
    try {
      return await Promise.race([step, gone]);
    } finally {
      stop();
      calls.delete(call);
    }
  }
}

/** May it be made once with others? Progress is reported to the one that asked for it. */
export function isShareable({ tool, resumption, method }: Intended, { progress }: OutboundCall): boolean {
  return (
    tool?.coalesces === true && tool.tier === 'read' && method === 'tools/call' && resumption === undefined && !progress
  );
}

/** Everything that the server or the gateway could tell one call from another by. */
function keyOf({ caller, client, tool }: Intended, { params, logLevel }: OutboundCall, upstream: number): string {
  const { session, era } = client;
  const parts = [caller.key, caller.credential.id, session?.digest, era, upstream, tool?.digest, logLevel, params];
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
