/** Puts together what the road receives. */
import { randomBytes } from 'node:crypto';
import { Cancellation } from '../pipeline/cancellation.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Channel, Client, Endpoint, Received } from '../pipeline/exchange.ts';
import type { Outcome } from '../pipeline/refusal.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { RequestId } from '../protocol/jsonrpc.ts';
import type { Operation } from '../protocol/methods.ts';
import type { HeaderReader } from '../protocol/mirrored-headers.ts';

let pool = Buffer.alloc(0);
let used = 0;

/**
 * A correlation id: 95 random bits, the first character a letter, so that a command never takes it for an option. Drawn
 * from a pool, as one draw each would cost more than the rest of a request.
 */
export function correlationId(): string {
  if (used + 12 > pool.length) {
    pool = randomBytes(12 * 512);
    used = 0;
  }
  pool[used] = (pool[used] ?? 0) & 0x7f;
  const id = pool.toString('base64url', used, used + 12);
  used += 12;
  return id;
}

/** What is known of a message before it is read. */
export interface Arrival {
  readonly id: string;
  readonly at: number;
  readonly started: number;
  readonly transport: 'http' | 'stdio';
  readonly address: string | undefined;
  readonly endpoint: Endpoint;
  readonly headers: HeaderReader | undefined;
}

export function arrivalOf({
  transport,
  endpoint,
  headers,
  address,
}: {
  readonly transport: 'http' | 'stdio';
  readonly endpoint: Endpoint;
  readonly headers?: HeaderReader | undefined;
  readonly address?: string | undefined;
}): Arrival {
  return {
    id: correlationId(),
    at: Date.now(),
    started: performance.now(),
    transport,
    address,
    endpoint,
    headers,
  };
}

export interface RequestParts {
  readonly identity: Outcome<Caller>;
  readonly client: Client;
  readonly requestId: RequestId;
  readonly operation: Operation;
  readonly method: string;
  readonly params: JsonObject;
  readonly rawNumbers: boolean;
  readonly bytesIn: number;
  readonly cancellation: Cancellation;
  readonly channel: Channel;
}

export function received(arrival: Arrival, parts: RequestParts): Received {
  // One by one: to spread two objects takes several times as long.
  return {
    id: arrival.id,
    at: arrival.at,
    started: arrival.started,
    transport: arrival.transport,
    address: arrival.address,
    endpoint: arrival.endpoint,
    headers: arrival.headers,
    identity: parts.identity,
    client: parts.client,
    requestId: parts.requestId,
    operation: parts.operation,
    method: parts.method,
    params: parts.params,
    rawNumbers: parts.rawNumbers,
    bytesIn: parts.bytesIn,
    cancellation: parts.cancellation,
    channel: parts.channel,
  };
}

const unknownClient: Client = { era: 'modern', version: '', capabilities: {} };
const silent: Channel = { notify: () => {} };

/** What stands in the record for a message that could not be read. */
export function unreadable(
  arrival: Arrival,
  identity: Outcome<Caller>,
  { bytesIn = 0, method = '(unreadable)' }: { readonly bytesIn?: number; readonly method?: string } = {},
): Received {
  return {
    ...arrival,
    identity,
    client: unknownClient,
    requestId: '',
    operation: 'local',
    method,
    params: {},
    rawNumbers: false,
    bytesIn,
    cancellation: new Cancellation(),
    channel: silent,
  };
}
