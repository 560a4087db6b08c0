/**
 * The gateway as a stdio server, for clients that only start commands: one client, both eras, the same road. Everything
 * is written to `output` in order; nothing else may ever be written there.
 */
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Client, Endpoint, Reply } from '../../pipeline/exchange.ts';
import type { Outcome, Refusal } from '../../pipeline/refusal.ts';
import { run, runRefused } from '../../pipeline/run.ts';
import { type Decoded, decode } from '../../protocol/decode.ts';
import { agreedVersion } from '../../protocol/handshake.ts';
import { parseJson, plainNumber } from '../../protocol/json.ts';
import { notificationText, type RequestId } from '../../protocol/jsonrpc.ts';
import { Lines } from '../../protocol/lines.ts';
import type { ListenerContext } from '../context.ts';
import { arrival, received, unreadable } from '../received.ts';
import { wholeText, writeReply } from '../reply-text.ts';
import { claimsOf, LegacySession } from '../session.ts';
import { hear } from '../subscribe.ts';

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

export function listenStdio(
  input: Readable,
  output: Writable,
  endpoint: Endpoint,
  caller: Caller,
  context: ListenerContext,
): StdioListener {
  const connection = new StdioConnection(input, output, endpoint, caller, context);
  return { ended: connection.ended, close: () => connection.close('closed') };
}

class StdioConnection {
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
  #closed = false;
  /** Too many lines are under way to read more. */
  #crowded = false;
  #stalled: NodeJS.Timeout | undefined;
  #draining: NodeJS.Timeout | undefined;

  constructor(input: Readable, output: Writable, endpoint: Endpoint, caller: Caller, context: ListenerContext) {
    this.#input = input;
    this.#output = output;
    this.#endpoint = endpoint;
    this.#holder = caller;
    this.#context = context;
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers<StdioEnd>());
    const lines = new Lines(context.bounds().body, {
      onLine: (line) => this.#receive(line),
      onTooLong: () => this.#track(this.#refuse({ reason: 'body-too-large', limit: context.bounds().body })),
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
      ? { ok: false, refusal: { reason: 'credentials-invalid', detail: 'the credential has ended' } }
      : { ok: true, value: caller };
  }

  /** Answers what could not be read, and leaves a record of it. */
  async #refuse(
    refusal: Refusal,
    id?: RequestId,
    era: 'legacy' | 'modern' = 'modern',
    came = arrival('stdio', this.#endpoint),
    bytes = 0,
  ): Promise<void> {
    const message = unreadable(came, this.#identity(), bytes);
    const reply = await runRefused(message, refusal, this.#context.snapshot(), this.#context.stages);
    this.#write(wholeText(writeReply(reply, { id, method: '', era, reference: came.id })));
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
    const bounds = this.#context.bounds();
    const came = arrival('stdio', this.#endpoint);
    const identity = this.#identity();
    if (!identity.ok) {
      await this.#refuse(identity.refusal, undefined, 'modern', came, line.length);
      return this.close('credential-ended');
    }
    const refuseAll = (refusal: Refusal, id: RequestId | undefined, era: 'legacy' | 'modern'): Promise<void> =>
      this.#refuse(refusal, id, era, came, line.length);
    const parsed = parseJson(line, bounds);
    if (!parsed.ok) return refuseAll({ reason: 'bad-json', fault: parsed.fault }, undefined, 'modern');
    const decoded = decode(parsed.value, undefined, bounds.idLength);
    if (!decoded.ok) {
      // A notification has no answer, not even an error.
      if (decoded.id === undefined && decoded.fault.reason === 'unknown-method') return;
      return refuseAll(decoded.fault, decoded.id, decoded.era);
    }
    const message = decoded.decoded;
    if (message.kind === 'response') {
      this.#session?.answered(message);
      return;
    }
    if (message.kind === 'notification') return this.#notified(message);
    if (this.#active.has(message.id))
      return refuseAll(
        { reason: 'bad-message', problem: 'id is in use by a request under way' },
        message.id,
        message.era,
      );
    const client = this.#clientOf(message, identity.value);
    const cancellation = new Cancellation();
    this.#active.set(message.id, cancellation);
    if (message.operation === 'stream') this.#streams.add(message.id);
    const { session } = client;
    const write = (text: string): void => this.#write(text);
    try {
      const exchange = received(came, {
        identity,
        client,
        requestId: message.id,
        operation: message.operation,
        method: message.method,
        params: message.params,
        rawNumbers: parsed.rawNumbers,
        bytesIn: line.length,
        cancellation,
        channel: {
          notify: (method, params) => write(notificationText(method, params)),
          ...(this.#session !== undefined && session !== undefined
            ? {
                requestInput: (method, params) =>
                  this.#session?.requestInput({ method, params }, write, cancellation) ??
                  Promise.resolve({ ok: false }),
              }
            : {}),
        },
      });
      const reply = await run(exchange, this.#context.snapshot(), this.#context.stages);
      // A request that was cancelled gets no answer (specification, cancellation).
      if (cancellation.cancelled && message.operation !== 'stream' && !isWithheld(reply)) return;
      this.#write(
        wholeText(writeReply(reply, { id: message.id, method: message.method, era: client.era, reference: came.id })),
      );
    } finally {
      this.#active.delete(message.id);
      this.#streams.delete(message.id);
    }
  }

  #clientOf(message: Decoded & { kind: 'request' }, caller: Caller): Client {
    if (message.claims !== undefined) return { ...message.claims, era: 'modern' };
    if (message.method === 'initialize') {
      this.#session?.close();
      const claims = claimsOf(message.params, agreedVersion(message.params));
      const session = new LegacySession(randomUUID(), caller, this.#endpoint, claims);
      this.#session = session;
      return { ...claims, era: 'legacy', session };
    }
    const session = this.#session;
    return session === undefined
      ? { era: 'legacy', version: agreedVersion({}), capabilities: {} }
      : { ...session.claims, era: 'legacy', session };
  }

  #notified(message: Decoded & { kind: 'notification' }): void {
    if (message.method === 'notifications/cancelled') {
      const requestId = plainNumber(message.params.requestId);
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#active.get(requestId)?.cancel();
      return;
    }
    const session = this.#session;
    if (message.method !== 'notifications/initialized' || session === undefined || session.hasStream) return;
    session.openStream(session.caller, (text) => this.#write(text));
    session.hear(() => hear(session, arrival('stdio', this.#endpoint), this.#context));
  }
}

/** The gateway gave the call up, and not the client. */
function isWithheld(reply: Reply): boolean {
  return reply.kind === 'refused' && reply.refusal.reason === 'right-ended';
}
