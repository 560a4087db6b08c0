/**
 * The gateway as a stdio server, for clients that only start commands: one client, both eras, the same road. Everything
 * is written to `output` in order; nothing else may ever be written there.
 */
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Channel, Endpoint, Reply } from '../../pipeline/exchange.ts';
import { type Outcome, pass, type Refusal, refuse } from '../../pipeline/refusal.ts';
import type { ClientClaims } from '../../protocol/decode.ts';
import { agreedVersion } from '../../protocol/handshake.ts';
import { parseJson, plainNumber } from '../../protocol/json.ts';
import { notificationText, type RequestId } from '../../protocol/jsonrpc.ts';
import { Lines } from '../../protocol/lines.ts';
import { longMessageBytes, messageBounds } from '../../protocol/message-bounds.ts';
import type { ListenerContext } from '../context.ts';
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
import { arrivalOf } from '../received.ts';
import { type Written, wholeText } from '../reply-text.ts';
import { LegacySession } from '../session.ts';
import { subscribe } from '../subscribe.ts';

/** Why a connection is over. */
export type StdioEnd =
  /** The client closed its end, and everything that it asked is answered or given up. */
  | 'input-closed'
  /** The client does not read any more, or went away. */
  | 'output-closed'
  | 'output-stalled'
  /** The credential that it was started with has ended. */
  | 'credential-ended'
  /** The gateway stops. */
  | 'closed';

export interface StdioListener {
  /** Resolves when the connection is over, for whatever reason. Nothing is read or written afterwards. */
  readonly ended: Promise<StdioEnd>;
  close(): void;
}

/** Bytes that may wait for the client. From the first on nothing more is read of it, at the second it is given up. */
const maxWaitingBytes = 4 * 1024 * 1024;
const maxBacklogBytes = 64 * 1024 * 1024;
/** Lines that are worked on at the same time, beside calls and streams, which have bounds of their own. */
const maxLinesUnderWay = 512;
/** Milliseconds for which a client may let bytes wait before it is given up. */
const maxStallMs = 60_000;

/** One client on two streams. `caller` is proved by what started the process. */
export interface StdioClient {
  readonly input: Readable;
  readonly output: Writable;
  readonly endpoint: Endpoint;
  readonly caller: Caller;
}

export function listenStdio(client: StdioClient, context: ListenerContext): StdioListener {
  const connection = new StdioConnection(client, context);
  return { ended: connection.ended, close: () => connection.close('closed') };
}

class StdioConnection implements ClientTransport {
  readonly ended: Promise<StdioEnd>;
  readonly #end: (reason: StdioEnd) => void;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #endpoint: Endpoint;
  readonly #holder: Caller;
  readonly #context: ListenerContext;
  readonly #active = new Map<RequestId, Cancellation>();
  readonly #running = new Set<Promise<void>>();
  readonly #leave: () => void;
  #session: LegacySession | undefined;
  /** Of long messages that are not answered yet. */
  #bytes = 0;
  #closed = false;
  /** Too many lines are under way to read more. */
  #crowded = false;
  #stalled: NodeJS.Timeout | undefined;
  #draining: NodeJS.Timeout | undefined;

  constructor({ input, output, endpoint, caller }: StdioClient, context: ListenerContext) {
    this.#input = input;
    this.#output = output;
    this.#endpoint = endpoint;
    this.#holder = caller;
    this.#context = context;
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers<StdioEnd>());
    const lines = new Lines(context.bounds().body, {
      onLine: (line) => this.#receive(line),
      onTooLong: () => this.#track(this.#refuseLine({ reason: 'body-too-large', limit: context.bounds().body })),
    });
    input.on('data', (chunk: Buffer) => lines.feed(chunk));
    input.on('end', () => {
      lines.end();
      this.#drain();
    });
    input.on('error', () => this.#drain());
    output.on('error', () => this.close('output-closed'));
    output.on('close', () => this.close('output-closed'));
    output.on('drain', () => this.#resume());
    // From the start: the credential may end before the client has said anything.
    this.#leave = context.streams.add({
      caller,
      end: (reason) => this.close(reason === 'revoked' ? 'credential-ended' : 'closed'),
      refresh: () => this.#session?.hearing?.refresh(),
      notify: (method, params) => this.#write(notificationText(method, params)),
    });
  }

  #receive(line: Buffer): void {
    if (this.#closed || line.length === 0 || (line.length === 1 && line[0] === 13)) return;
    this.#track(this.#handle(line));
  }

  #track(work: Promise<void>): void {
    const running = work
      .catch((error: unknown) => this.#context.stages.onBug(error, '-'))
      .finally(() => {
        this.#running.delete(running);
        if (this.#crowded && this.#running.size < this.#maxRunning() / 2) this.#resume();
      });
    this.#running.add(running);
    if (this.#running.size < this.#maxRunning()) return;
    this.#crowded = true;
    this.#input.pause();
  }

  /** More than may wait for answers of the client, which come as lines as well. */
  #maxRunning(): number {
    const { concurrency, streams } = this.#context.bounds();
    return maxLinesUnderWay + concurrency + streams;
  }

  /** Who the credential stands for now. */
  #identity(): Outcome<Caller> {
    const caller = this.#context.renew(this.#holder);
    return caller === undefined
      ? { ok: false, refusal: { reason: 'credentials-invalid', cause: 'expired', detail: 'the credential has ended' } }
      : { ok: true, value: caller };
  }

  /** Answers what could not be read, and leaves a record of it. */
  async #refuseLine(refusal: Refusal, incoming = this.#incoming(0)): Promise<void> {
    this.#write(wholeText(await refused(refusal, incoming, { context: this.#context })));
  }

  #incoming(bytes: number): Incoming {
    const arrival = arrivalOf({ transport: 'stdio', endpoint: this.#endpoint });
    return { arrival, identity: this.#identity(), bytes, rawNumbers: false };
  }

  /**
   * The client will send no more: what it asked is answered, what stays open is closed. A client that was killed looks
   * just like one that waits for its last answers, so they get the time that a stopping gateway gives.
   */
  #drain(): void {
    if (this.#closed || this.#draining !== undefined) return;
    for (const [id, cancellation] of this.#active) if (this.#streams.has(id)) cancellation.cancel();
    this.#draining = setTimeout(() => this.close('input-closed'), this.#context.bounds().drain);
    Promise.allSettled(this.#running).then(
      () => this.close('input-closed'),
      () => this.close('input-closed'),
    );
  }

  close(reason: StdioEnd): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#stalled);
    clearTimeout(this.#draining);
    this.#leave();
    this.#input.pause();
    for (const cancellation of this.#active.values()) cancellation.cancel();
    this.#session?.close();
    this.#end(reason);
  }

  /** Reads on, when neither what is under way nor what waits for the client is too much. */
  #resume(): void {
    if (this.#running.size >= this.#maxRunning() || this.#output.writableLength > maxWaitingBytes) return;
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#crowded = false;
    if (!this.#closed) this.#input.resume();
  }

  #write(text: string): void {
    if (this.#closed) return;
    this.#output.write(`${text}\n`);
    const waiting = this.#output.writableLength;
    if (waiting > maxBacklogBytes) this.close('output-stalled');
    else if (waiting > maxWaitingBytes && this.#stalled === undefined) {
      this.#input.pause();
      this.#stalled = setTimeout(() => this.close('output-stalled'), maxStallMs);
    }
  }

  readonly #streams = new Set<RequestId>();

  async #handle(line: Buffer): Promise<void> {
    const incoming = this.#incoming(line.length);
    if (!incoming.identity.ok) {
      await this.#refuseLine(incoming.identity.refusal, incoming);
      return this.close('credential-ended');
    }
    const parsed = parseJson(line, this.#context.bounds());
    if (!parsed.ok) return this.#refuseLine({ reason: 'bad-json', fault: parsed.fault }, incoming);
    const { value, rawNumbers } = parsed;
    const written = await dispatch(value, { ...incoming, rawNumbers }, { transport: this, context: this.#context });
    if (written !== undefined) this.#write(wholeText(written));
  }

  legacyRefusal(): undefined {}

  session(): Outcome<LegacySession | undefined> {
    return pass(this.#session);
  }

  begin(claims: ClientClaims): Outcome<NewSession> {
    this.#session?.close();
    const session = new LegacySession(randomUUID(), this.#holder, { endpoint: this.#endpoint, claims });
    this.#session = session;
    return pass({ session, keep: () => {}, discard: () => {} });
  }

  version(): string {
    return agreedVersion({});
  }

  open(message: DecodedRequest, session: LegacySession | undefined, bytes: number): Outcome<OpenRequest> {
    const { id, operation } = message;
    if (this.#active.has(id)) return refuse({ reason: 'bad-message', problem: 'id is in use by a request under way' });
    const counted = bytes < longMessageBytes ? 0 : bytes;
    const limit = messageBounds.maxOfOwner;
    if (this.#bytes + counted > limit) return refuse({ reason: 'too-many-requests', limit, unit: 'bytes' });
    this.#bytes += counted;
    const cancellation = new Cancellation();
    const isStream = operation === 'stream';
    this.#active.set(id, cancellation);
    if (isStream) this.#streams.add(id);
    const write = (text: string): void => this.#write(text);
    const notify: Channel['notify'] = (method, params) => write(notificationText(method, params));
    const requestInput: Channel['requestInput'] = (method, params) =>
      this.#session?.requestInput({ method, params }, write, cancellation) ?? Promise.resolve({ ok: false });
    return pass({
      cancellation,
      channel: session === undefined ? { notify } : { notify, requestInput },
      // A request that was cancelled gets no answer (specification, cancellation).
      awaits: (reply) => !cancellation.cancelled || isStream || isWithheld(reply),
      close: () => {
        this.#bytes -= counted;
        this.#active.delete(id);
        this.#streams.delete(id);
      },
    });
  }

  notified({ method, params }: DecodedNotification, session: LegacySession | undefined): void {
    if (method === 'notifications/cancelled') {
      const requestId = plainNumber(params.requestId);
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#active.get(requestId)?.cancel();
      return;
    }
    if (method !== 'notifications/initialized' || session === undefined || session.hasStream) return;
    session.openStream(session.caller, (text) => this.#write(text));
    const arrival = arrivalOf({ transport: 'stdio', endpoint: this.#endpoint });
    session.hear(() => subscribe(session, arrival, this.#context));
  }

  finish(_reply: Reply, written: Written): Written {
    return written;
  }
}

/** The gateway gave the call up, and not the client. */
function isWithheld(reply: Reply): boolean {
  return reply.kind === 'refused' && reply.refusal.reason === 'right-ended';
}
