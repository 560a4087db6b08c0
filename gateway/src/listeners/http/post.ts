/** A POST to an MCP endpoint: one message, or a batch of them, and the answer in the same response. */
import type { IncomingMessage } from 'node:http';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Channel, Reply } from '../../pipeline/exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from '../../pipeline/refusal.ts';
import { type ClientClaims, decode } from '../../protocol/decode.ts';
import { type Json, parseJson } from '../../protocol/json.ts';
import { batchVersion } from '../../protocol/versions.ts';
import {
  type ClientTransport,
  type DecodedNotification,
  type DecodedRequest,
  dispatch,
  type Incoming,
  type NewSession,
  type OpenRequest,
  refused,
} from '../dispatch.ts';
import type { Arrival } from '../received.ts';
import { type Written, wholeText } from '../reply-text.ts';
import type { LegacySession } from '../session.ts';
import { subscribe } from '../subscribe.ts';
import type { Answer } from './answer.ts';
import { argumentHeader } from './guard.ts';
import { rateLimitHeaders } from './rate-limit-headers.ts';
import type { HttpFront } from './resources.ts';
import type { Sessions } from './sessions.ts';

export interface Post {
  readonly request: IncomingMessage;
  readonly arrival: Arrival;
  readonly caller: Caller;
  readonly answer: Answer;
  /** Cancelled when the client closes the connection. */
  readonly gone: Cancellation;
}

const maxBatchLength = 64;

export function handlePost(
  post: Post,
  body: Buffer,
  listener: { readonly context: HttpFront; readonly sessions: Sessions },
): Promise<void> {
  const { arrival, caller, answer } = post;
  const { context } = listener;
  const parsed = parseJson(body, context.bounds());
  const incoming: Incoming = {
    arrival,
    identity: { ok: true, value: caller },
    bytes: body.length,
    rawNumbers: parsed.ok && parsed.rawNumbers,
  };
  if (!parsed.ok) return deliver(refused({ reason: 'bad-json', fault: parsed.fault }, incoming, { context }), answer);
  const transport = new PostTransport(post, listener);
  return deliver(
    Array.isArray(parsed.value)
      ? dispatchBatch(parsed.value as readonly Json[], incoming, transport)
      : dispatch(parsed.value, incoming, { transport, context }),
    answer,
  );
}

/** A function of its own, so that an open stream does not keep the body of its request. */
async function deliver(answering: Promise<Written | undefined>, answer: Answer): Promise<void> {
  const written = await answering;
  if (written === undefined) answer.finishEmpty(202);
  else answer.finish(written);
}

class PostTransport implements ClientTransport {
  readonly context: HttpFront;
  readonly #post: Post;
  readonly #sessions: Sessions;

  constructor(post: Post, { context, sessions }: { readonly context: HttpFront; readonly sessions: Sessions }) {
    this.#post = post;
    this.context = context;
    this.#sessions = sessions;
  }

  /** A server that honours these headers would act on values that were not compared with the body. */
  legacyRefusal(): Refusal | undefined {
    const header = argumentHeader(this.#post.request);
    return header === undefined ? undefined : { reason: 'stray-argument-header', header };
  }

  /** `undefined` when the client speaks without a session, which no server is obliged to require. */
  session(): Outcome<LegacySession | undefined> {
    const { arrival, caller } = this.#post;
    const id = arrival.headers?.('mcp-session-id');
    if (id === undefined) return pass(undefined);
    if (id === false) return refuse({ reason: 'session-unknown' });
    const found = this.#sessions.find(id, caller, {
      endpoint: arrival.endpoint,
      limit: this.context.bounds().sessions,
    });
    if (found.ok) found.value.usedBy(caller);
    return found;
  }

  begin(claims: ClientClaims): Outcome<NewSession> {
    const { arrival, caller, answer } = this.#post;
    const limit = this.context.bounds().sessions;
    const minted = this.#sessions.mint(caller, claims, { endpoint: arrival.endpoint, limit });
    if (minted === undefined) return refuse({ reason: 'too-many-sessions', limit });
    const { id, session } = minted;
    return pass({
      session,
      keep: () => answer.setHeader('mcp-session-id', id),
      discard: () => this.#sessions.discard(id),
    });
  }

  version(): string {
    const version = this.#post.arrival.headers?.('mcp-protocol-version');
    return typeof version === 'string' ? version : batchVersion;
  }

  open(message: DecodedRequest, session: LegacySession | undefined): Outcome<OpenRequest> {
    const { answer, gone } = this.#post;
    const notify: Channel['notify'] = (method, params) => answer.notify(method, params);
    const channel: Channel = this.context.tellsLimits() ? { notify, tellLimits: tellLimits(answer) } : { notify };
    if (message.operation === 'stream') {
      if (!answer.canStream) return refuse({ reason: 'not-acceptable' });
      answer.open();
    }
    return session === undefined
      ? pass({ cancellation: gone, channel, awaits, close: () => {} })
      : pass(this.#openIn(session, message, channel));
  }

  #openIn(session: LegacySession, { id, method }: DecodedRequest, channel: Channel): OpenRequest {
    const { answer, arrival, gone } = this.#post;
    // A legacy client that loses its connection has not cancelled (2025-11-25, transports): it says so when it means it.
    const cancellation = new Cancellation();
    const write = (text: string): void => answer.write(text);
    const requestInput: Channel['requestInput'] = (asked, params) =>
      session.requestInput({ method: asked, params }, write, anyOf(cancellation, gone));
    // Updates of a resource come over the session's stream, which may be opened later.
    if (method === 'resources/subscribe') session.hear(() => subscribe(session, arrival, this.context));
    answer.preferEvents();
    session.active.set(id, cancellation);
    return {
      cancellation,
      channel: answer.canStream ? { ...channel, requestInput } : channel,
      awaits,
      close: () => session.active.delete(id),
    };
  }

  notified({ method, params }: DecodedNotification, session: LegacySession | undefined): void {
    if (method === 'notifications/cancelled') session?.cancelled(params);
  }

  finish(reply: Reply, written: Written): Written {
    if (reply.kind !== 'refused' || reply.refusal.reason !== 'scope-missing') return written;
    const challenge = this.context.resources.insufficient(this.#post.arrival.endpoint, reply.refusal.scopes);
    return { ...written, headers: { ...written.headers, 'www-authenticate': challenge } };
  }
}

/** Whether the client is still there shows when the answer is written. */
const awaits = (): boolean => true;

/** Of a stream that has begun, the head is sent already. */
function tellLimits(answer: Answer): NonNullable<Channel['tellLimits']> {
  return (levels) => {
    for (const [name, value] of Object.entries(rateLimitHeaders(levels))) answer.setHeader(name, value);
  };
}

/** An input request ends with the stream that carried it. */
function anyOf(first: Cancellation, second: Cancellation): Cancellation {
  const either = new Cancellation();
  first.onCancel(() => either.cancel());
  second.onCancel(() => either.cancel());
  return either;
}

/** Batches exist in 2025-03-26 only. Each message takes the road by itself; the answers come together. */
async function dispatchBatch(
  values: readonly Json[],
  incoming: Incoming,
  transport: PostTransport,
): Promise<Written | undefined> {
  const { context } = transport;
  const refusal = batchRefusal(values, incoming, transport);
  if (refusal !== undefined) return refused(refusal, incoming, { context, era: 'legacy' });
  const answers: string[] = [];
  for (const [index, value] of values.entries()) {
    const arrival: Arrival = { ...incoming.arrival, id: `${incoming.arrival.id}.${index}` };
    // What is wrong with one message spoils its own answer only (JSON-RPC 2.0, 6).
    const written = await dispatch(value, { ...incoming, arrival, rawNumbers: true }, { transport, context });
    if (written !== undefined) answers.push(wholeText(written));
  }
  return answers.length === 0 ? undefined : { status: 200, text: `[${answers.join(',')}]` };
}

function batchRefusal(values: readonly Json[], { arrival }: Incoming, transport: PostTransport): Refusal | undefined {
  const found = transport.session();
  if (!found.ok) return found.refusal;
  const header = arrival.headers?.('mcp-protocol-version');
  const version = found.value?.claims.version ?? header ?? batchVersion;
  if (version !== batchVersion || (header !== undefined && header !== batchVersion)) return { reason: 'batch-refused' };
  const stray = transport.legacyRefusal();
  if (stray !== undefined) return stray;
  if (values.length === 0 || values.length > maxBatchLength)
    return { reason: 'bad-message', problem: `A batch has 1 to ${maxBatchLength} messages` };
  const { idLength } = transport.context.bounds();
  // A modern message, or the handshake itself, in a batch is a way around the checks that each has alone.
  const isAlone = (value: Json): boolean => {
    const result = decode(value, arrival.headers, idLength);
    if (!result.ok || result.decoded.kind === 'response') return false;
    return result.decoded.era === 'modern' || result.decoded.method === 'initialize';
  };
  return values.some(isAlone) ? { reason: 'batch-refused' } : undefined;
}
