/**
 * One message of a client on its way from a listener to the road: decoded, matched to its session, answered. The same for
 * every transport; what a transport does in its own way stands behind `ClientTransport`.
 */
import type { Cancellation } from '../pipeline/cancellation.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type { Channel, Client, Reply } from '../pipeline/exchange.ts';
import type { Outcome, Refusal } from '../pipeline/refusal.ts';
import { run, runRefused } from '../pipeline/run.ts';
import { type ClientClaims, type Decoded, decode } from '../protocol/decode.ts';
import { agreedVersion } from '../protocol/handshake.ts';
import { isObject, type Json } from '../protocol/json.ts';
import type { RequestId } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/versions.ts';
import type { ListenerContext } from './context.ts';
import { type Arrival, received, unreadable } from './received.ts';
import { type Written, writeReply } from './reply-text.ts';
import { claimsOf, type LegacySession } from './session.ts';

export type DecodedRequest = Decoded & { readonly kind: 'request' };
export type DecodedNotification = Decoded & { readonly kind: 'notification' };

/** What is known of a message before it is decoded. */
export interface Incoming {
  readonly arrival: Arrival;
  readonly identity: Outcome<Caller>;
  /** Bytes of the message. */
  readonly bytes: number;
  /** Numbers in it need care: some exceed double precision. */
  readonly rawNumbers: boolean;
}

/** A request from its arrival to its answer. */
export interface OpenRequest {
  readonly cancellation: Cancellation;
  readonly channel: Channel;
  /** Whether the client still waits for this answer. */
  awaits(reply: Reply): boolean;
  close(): void;
}

/** A session that `initialize` asks for. */
export interface NewSession {
  readonly session: LegacySession;
  /** `initialize` was answered with a result. */
  readonly keep: () => void;
  readonly discard: () => void;
}

export interface ClientTransport {
  /** What the transport does not take from a legacy client, whatever the message says. */
  legacyRefusal(): Refusal | undefined;
  /** The session that the message belongs to; `undefined` for a client without one. */
  session(): Outcome<LegacySession | undefined>;
  begin(claims: ClientClaims): Outcome<NewSession>;
  /** The version of a legacy client without a session. */
  version(): string;
  /** `bytes`: of the message. */
  open(message: DecodedRequest, session: LegacySession | undefined, bytes: number): Outcome<OpenRequest>;
  notified(message: DecodedNotification, session: LegacySession | undefined): void;
  /** Adds what only this transport can say, such as headers. */
  finish(reply: Reply, written: Written): Written;
}

/** The answer, or `undefined` where the message has none. A bug may be thrown at once. */
export function dispatch(value: Json, incoming: Incoming, parts: Parts): Promise<Written | undefined> {
  const { context } = parts;
  const decoded = decode(value, incoming.arrival.headers, context.bounds().idLength);
  if (!decoded.ok) {
    const { fault, era, id } = decoded;
    return refused(fault, incoming, { context, era, id, method: methodOf(value) });
  }
  const message = decoded.decoded;
  if (message.kind === 'request' && message.claims !== undefined) {
    const client: Client = { ...message.claims, era: 'modern' };
    return answered(message, { client }, incoming, parts);
  }
  return dispatchLegacy(message, incoming, parts, methodOf(value));
}

async function dispatchLegacy(
  message: Decoded,
  incoming: Incoming,
  parts: Parts,
  method: string | undefined,
): Promise<Written | undefined> {
  const { transport, context } = parts;
  const id = message.kind === 'request' ? message.id : undefined;
  const refuseLegacy = (refusal: Refusal): Promise<Written> =>
    refused(refusal, incoming, { context, era: 'legacy', id, method: method ?? '(response)' });
  const refusal = transport.legacyRefusal();
  if (refusal !== undefined) return refuseLegacy(refusal);
  if (message.kind === 'request' && message.method === 'initialize') return initialized(message, incoming, parts);
  const found = transport.session();
  if (!found.ok) return refuseLegacy(found.refusal);
  const session = found.value;
  switch (message.kind) {
    case 'response':
      // A response to a request that is over is accepted and dropped.
      session?.answered(message);
      return undefined;
    case 'notification':
      transport.notified(message, session);
      return undefined;
    case 'request': {
      const client = legacyClient(session, transport);
      return await answered(message, { client, session }, incoming, parts);
    }
  }
}

/** The client of a request. */
interface Sender {
  readonly client: Client;
  /** Absent while `initialize` begins one. */
  readonly session?: LegacySession | undefined;
  readonly onReply?: (reply: Reply) => void;
}

interface Parts {
  readonly transport: ClientTransport;
  readonly context: ListenerContext;
}

interface Refusing {
  readonly context: ListenerContext;
  readonly era?: Era;
  readonly id?: RequestId | undefined;
  /** For the record. */
  readonly method?: string | undefined;
}

/** Answers a message that goes no further, and leaves its record. */
export async function refused(
  refusal: Refusal,
  { arrival, identity, bytes }: Incoming,
  { context, era = 'modern', id, method }: Refusing,
): Promise<Written> {
  const message = unreadable(arrival, identity, { bytesIn: bytes, ...(method === undefined ? {} : { method }) });
  const reply = await runRefused(message, refusal, { snapshot: context.snapshot(), stages: context.stages });
  return writeReply(reply, { id, method: '', era, reference: arrival.id });
}

async function initialized(message: DecodedRequest, incoming: Incoming, parts: Parts): Promise<Written | undefined> {
  const claims = claimsOf(message.params, agreedVersion(message.params));
  const begun = parts.transport.begin(claims);
  if (!begun.ok)
    return refused(begun.refusal, incoming, {
      context: parts.context,
      era: 'legacy',
      id: message.id,
      method: 'initialize',
    });
  const { session, keep, discard } = begun.value;
  const client: Client = { ...claims, era: 'legacy', session };
  const onReply = ({ kind }: Reply): void => (kind === 'refused' || kind === 'error' ? discard() : keep());
  return answered(message, { client, onReply }, incoming, parts);
}

function legacyClient(session: LegacySession | undefined, transport: ClientTransport): Client {
  return session === undefined
    ? { era: 'legacy', version: transport.version(), capabilities: {} }
    : { ...session.claims, era: 'legacy', session };
}

async function answered(
  message: DecodedRequest,
  { client, session, onReply }: Sender,
  incoming: Incoming,
  { transport, context }: Parts,
): Promise<Written | undefined> {
  const { id, method, params, operation } = message;
  const { arrival, identity, bytes: bytesIn, rawNumbers } = incoming;
  const opened = transport.open(message, session, bytesIn);
  if (!opened.ok) return refused(opened.refusal, incoming, { context, era: client.era, id, method });
  const { cancellation, channel } = opened.value;
  try {
    const exchange = received(arrival, {
      identity,
      client,
      requestId: id,
      operation,
      method,
      params,
      rawNumbers,
      bytesIn,
      cancellation,
      channel,
    });
    const reply = await run(exchange, context.snapshot(), context.stages);
    onReply?.(reply);
    if (!opened.value.awaits(reply)) return undefined;
    return transport.finish(reply, writeReply(reply, { id, method, era: client.era, reference: arrival.id }));
  } finally {
    opened.value.close();
  }
}

/** For the record of a message that is refused; cut, as it may be anything. */
function methodOf(value: Json): string | undefined {
  return isObject(value) && typeof value.method === 'string' ? value.method.slice(0, 64) : undefined;
}
