/** A POST to an MCP endpoint: decodes the body, finds the session, sends the message down the road, answers. */
import type { IncomingMessage } from 'node:http';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Channel, Client, Received, Reply } from '../../pipeline/exchange.ts';
import { type Outcome, type Refusal, refuse } from '../../pipeline/refusal.ts';
import { run, runRefused } from '../../pipeline/run.ts';
import { type Decoded, decode } from '../../protocol/decode.ts';
import { agreedVersion } from '../../protocol/handshake.ts';
import { isObject, type Json, parseJson } from '../../protocol/json.ts';
import type { RequestId } from '../../protocol/jsonrpc.ts';
import { batchVersion, type Era } from '../../protocol/versions.ts';
import { type Arrival, received, unreadable } from '../received.ts';
import { type InputResponse, type Written, wholeText, writeReply } from '../reply-text.ts';
import { claimsOf, type LegacySession } from '../session.ts';
import { hear } from '../subscribe.ts';
import type { Answer } from './answer.ts';
import { argumentHeader } from './guard.ts';
import type { HttpFront } from './resources.ts';
import type { MintedSession, Sessions } from './sessions.ts';

export interface Post {
  readonly request: IncomingMessage;
  readonly arrival: Arrival;
  readonly caller: Caller;
  readonly body: Buffer;
  readonly answer: Answer;
  /** Cancelled when the client closes the connection. */
  readonly gone: Cancellation;
}

const maxBatchLength = 64;

export function handlePost(post: Post, context: HttpFront, sessions: Sessions): Promise<void> {
  const { arrival, body, answer } = post;
  const bounds = context.bounds();
  const parsed = parseJson(body, bounds);
  const refuseAll = async (refusal: Refusal, id?: RequestId, era: Era = 'modern', method?: string): Promise<void> => {
    const message = unreadable(arrival, known(post), body.length, method);
    const reply = await runRefused(message, refusal, context.snapshot(), context.stages);
    answer.finish(writeReply(reply, { id, method: '', era, reference: arrival.id }));
  };
  if (!parsed.ok) return refuseAll({ reason: 'bad-json', fault: parsed.fault });
  if (Array.isArray(parsed.value))
    return handleBatch(post, parsed.value as readonly Json[], context, sessions, refuseAll);
  const decoded = decode(parsed.value, arrival.headers, bounds.idLength);
  if (!decoded.ok) return refuseAll(decoded.fault, decoded.id, decoded.era, methodOf(parsed.value));
  const message = decoded.decoded;

  if (message.kind === 'request' && message.era === 'modern' && message.claims !== undefined) {
    const client: Client = { ...message.claims, era: 'modern' };
    const channel: Channel = { notify: (method, params) => answer.notify(method, params) };
    if (message.operation === 'stream') {
      if (!answer.canStream) return refuseAll({ reason: 'not-acceptable' }, message.id);
      answer.open();
    }
    return deliver(travel(post, message, client, post.gone, channel, context, parsed.rawNumbers), answer);
  }
  return handleLegacy(post, message, parsed.rawNumbers, context, sessions, refuseAll);
}

function known({ caller }: Post): Outcome<Caller> {
  return { ok: true, value: caller };
}

/** A function of its own, so that an open stream does not keep the body of its request. */
async function deliver(travelled: Promise<Travelled>, answer: Answer): Promise<void> {
  answer.finish((await travelled).written);
}

interface Travelled {
  readonly reply: Reply;
  readonly written: Written;
}

type RefuseAll = (refusal: Refusal, id?: RequestId, era?: Era, method?: string) => Promise<void>;

async function handleLegacy(
  post: Post,
  message: Decoded,
  rawNumbers: boolean,
  context: HttpFront,
  sessions: Sessions,
  refuseAll: RefuseAll,
): Promise<void> {
  const { request, arrival, answer } = post;
  const stray = argumentHeader(request);
  const id = message.kind === 'request' ? message.id : undefined;
  const method = message.kind === 'response' ? '(response)' : message.method;
  // A server that honours these headers would act on values that were not compared with the body.
  if (stray !== undefined) return refuseAll({ reason: 'stray-argument-header', header: stray }, id, 'legacy', method);
  if (message.kind === 'request' && message.method === 'initialize')
    return initialize(post, message, rawNumbers, context, sessions);
  const found = sessionOf(post, sessions, context.bounds().sessions);
  if (!found.ok) return refuseAll(found.refusal, id, 'legacy', method);
  const session = found.value;
  if (message.kind === 'response') {
    // A response to a request that is over is accepted and dropped.
    session?.answered(message);
    return answer.finishEmpty(202);
  }
  if (message.kind === 'notification') {
    if (message.method === 'notifications/cancelled') session?.cancelled(message.params);
    return answer.finishEmpty(202);
  }
  answer.finish(await travelLegacy(post, message, session, rawNumbers, context, arrival));
}

/** `undefined` when the client speaks without a session, which no server is obliged to require. */
function sessionOf(post: Post, sessions: Sessions, limit: number): Outcome<LegacySession | undefined> {
  const id = post.arrival.headers?.('mcp-session-id');
  if (id === undefined) return { ok: true, value: undefined };
  if (id === false) return refuse({ reason: 'session-unknown' });
  const found = sessions.find(id, post.caller, post.arrival.endpoint, limit);
  if (found.ok) found.value.usedBy(post.caller);
  return found;
}

async function initialize(
  post: Post,
  message: Decoded & { kind: 'request' },
  rawNumbers: boolean,
  context: HttpFront,
  sessions: Sessions,
): Promise<void> {
  const { answer, arrival, caller } = post;
  const claims = claimsOf(message.params, agreedVersion(message.params));
  const limit = context.bounds().sessions;
  const minted: MintedSession | undefined = sessions.mint(caller, arrival.endpoint, claims, limit);
  if (minted === undefined) {
    const reply = await runRefused(
      unreadable(arrival, known(post), post.body.length, 'initialize'),
      { reason: 'too-many-sessions', limit },
      context.snapshot(),
      context.stages,
    );
    return answer.finish(
      writeReply(reply, { id: message.id, method: 'initialize', era: 'legacy', reference: arrival.id }),
    );
  }
  const client: Client = { ...claims, era: 'legacy', session: minted.session };
  const channel: Channel = { notify: (method, params) => answer.notify(method, params) };
  const { reply, written } = await travel(post, message, client, post.gone, channel, context, rawNumbers, arrival);
  if (reply.kind === 'text') answer.setHeader('mcp-session-id', minted.id);
  else sessions.discard(minted.id);
  answer.finish(written);
}

async function travelLegacy(
  post: Post,
  message: Decoded & { kind: 'request' },
  session: LegacySession | undefined,
  rawNumbers: boolean,
  context: HttpFront,
  arrival: Arrival,
): Promise<Written> {
  const { answer } = post;
  const version = arrival.headers?.('mcp-protocol-version');
  const client: Client =
    session === undefined
      ? { era: 'legacy', version: typeof version === 'string' ? version : batchVersion, capabilities: {} }
      : { ...session.claims, era: 'legacy', session };
  // A legacy client that loses its connection has not cancelled (2025-11-25, transports): it says so when it means it.
  const cancellation = session === undefined ? post.gone : new Cancellation();
  const write = (text: string): void => answer.write(text);
  const channel: Channel = {
    notify: (method, params) => answer.notify(method, params),
    ...(session !== undefined && answer.canStream
      ? {
          requestInput: (method, params) =>
            session.requestInput({ method, params }, write, anyOf(cancellation, post.gone)),
        }
      : {}),
  };
  // Updates of a resource come over the session's stream, which may be opened later.
  if (session !== undefined && message.method === 'resources/subscribe')
    session.hear(() => hear(session, arrival, context));
  if (session !== undefined) answer.preferEvents();
  session?.active.set(message.id, cancellation);
  try {
    return (await travel(post, message, client, cancellation, channel, context, rawNumbers, arrival)).written;
  } finally {
    session?.active.delete(message.id);
  }
}

/** An input request ends with the stream that carried it. */
function anyOf(first: Cancellation, second: Cancellation): Cancellation {
  const either = new Cancellation();
  first.onCancel(() => either.cancel());
  second.onCancel(() => either.cancel());
  return either;
}

function travel(
  post: Post,
  message: Decoded & { kind: 'request' },
  client: Client,
  cancellation: Cancellation,
  channel: Channel,
  context: HttpFront,
  rawNumbers: boolean,
  arrival = post.arrival,
): Promise<Travelled> {
  const exchange: Received = received(arrival, {
    identity: known(post),
    client,
    requestId: message.id,
    operation: message.operation,
    method: message.method,
    params: message.params,
    rawNumbers,
    bytesIn: post.body.length,
    cancellation,
    channel,
  });
  return conclude(exchange, context);
}

async function conclude(exchange: Received, context: HttpFront): Promise<Travelled> {
  const { requestId: id, method, client, endpoint } = exchange;
  const reply = await run(exchange, context.snapshot(), context.stages);
  const asked: InputResponse = { id, method, era: client.era, reference: exchange.id };
  const written = writeReply(reply, asked);
  if (reply.kind !== 'refused' || reply.refusal.reason !== 'scope-missing') return { reply, written };
  const challenge = context.resources.insufficient(endpoint, reply.refusal.scopes);
  return { reply, written: { ...written, headers: { ...written.headers, 'www-authenticate': challenge } } };
}

/** Batches exist in 2025-03-26 only. Each message takes the road by itself; the answers come together. */
async function handleBatch(
  post: Post,
  values: readonly Json[],
  context: HttpFront,
  sessions: Sessions,
  refuseAll: RefuseAll,
): Promise<void> {
  const { arrival, answer, request } = post;
  const found = sessionOf(post, sessions, context.bounds().sessions);
  if (!found.ok) return refuseAll(found.refusal, undefined, 'legacy');
  const session = found.value;
  const header = arrival.headers?.('mcp-protocol-version');
  const version = session?.claims.version ?? header ?? batchVersion;
  if (version !== batchVersion || (header !== undefined && header !== batchVersion))
    return refuseAll({ reason: 'batch-refused' });
  const stray = argumentHeader(request);
  if (stray !== undefined) return refuseAll({ reason: 'stray-argument-header', header: stray }, undefined, 'legacy');
  if (values.length === 0 || values.length > maxBatchLength)
    return refuseAll({ reason: 'bad-message', problem: `A batch has 1 to ${maxBatchLength} messages` });
  const decoded = values.map((value) => decode(value, arrival.headers, context.bounds().idLength));
  for (const result of decoded) {
    if (!result.ok) continue;
    // A modern message, or the handshake itself, in a batch is a way around the checks that each has alone.
    if (result.decoded.kind !== 'response' && result.decoded.era === 'modern')
      return refuseAll({ reason: 'batch-refused' });
    if (result.decoded.kind === 'request' && result.decoded.method === 'initialize')
      return refuseAll({ reason: 'batch-refused' });
  }
  const answers: string[] = [];
  for (const [index, result] of decoded.entries()) {
    const own: Arrival = { ...arrival, id: `${arrival.id}.${index}` };
    if (!result.ok) {
      // What is wrong with one message spoils its own answer only (JSON-RPC 2.0, 6).
      const message = unreadable(own, known(post), post.body.length, methodOf(values[index] ?? null));
      const reply = await runRefused(message, result.fault, context.snapshot(), context.stages);
      answers.push(wholeText(writeReply(reply, { id: result.id, method: '', era: 'legacy', reference: own.id })));
      continue;
    }
    const message = result.decoded;
    if (message.kind === 'response') session?.answered(message);
    else if (message.kind === 'notification') {
      if (message.method === 'notifications/cancelled') session?.cancelled(message.params);
    } else {
      answers.push(wholeText(await travelLegacy(post, message, session, true, context, own)));
    }
  }
  if (answers.length === 0) return answer.finishEmpty(202);
  answer.finish({ status: 200, text: `[${answers.join(',')}]` });
}

/** For the record of a message that is refused; cut, as it may be anything. */
function methodOf(value: Json): string | undefined {
  return isObject(value) && typeof value.method === 'string' ? value.method.slice(0, 64) : undefined;
}
