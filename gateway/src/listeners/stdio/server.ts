/**
 * The gateway as a stdio server, for clients that only start commands: one client, both eras, the same road. Everything
 * is written to `output` in order; nothing else may ever be written there.
 */
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import type { Caller } from '../../pipeline/caller.ts';
import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Client, Endpoint } from '../../pipeline/exchange.ts';
import { type Outcome, type Refusal, toWire } from '../../pipeline/refusal.ts';
import { run, runRefused } from '../../pipeline/run.ts';
import { type Decoded, decode } from '../../protocol/decode.ts';
import { agreedVersion } from '../../protocol/handshake.ts';
import { parseJson } from '../../protocol/json.ts';
import { errorText, notificationText, type RequestId } from '../../protocol/jsonrpc.ts';
import { Lines } from '../../protocol/lines.ts';
import type { Front } from '../front.ts';
import { hear } from '../hear.ts';
import { arrival, received, unreadable } from '../received.ts';
import { wholeText, writeReply } from '../reply-text.ts';
import { claimsOf, LegacySession } from '../session.ts';

export interface StdioListener {
  /** Resolves when the client has closed its end and everything is answered. */
  readonly ended: Promise<void>;
  close(): void;
}

const longestBacklog = 64 * 1024 * 1024;

export function listenStdio(
  input: Readable,
  output: Writable,
  endpoint: Endpoint,
  identity: Outcome<Caller>,
  front: Front,
): StdioListener {
  const connection = new StdioConnection(output, endpoint, identity, front);
  const ended = new Promise<void>((resolve) => {
    const lines = new Lines(front.bounds().body, {
      onLine: (line) => connection.receive(line),
      onTooLong: () => connection.refuse({ reason: 'body-too-large', limit: front.bounds().body }, undefined),
    });
    const over = (): void => void connection.drain().then(resolve);
    input.on('data', (chunk: Buffer) => lines.feed(chunk));
    input.on('end', over);
    input.on('error', over);
  });
  output.on('error', () => connection.close());
  return { ended, close: () => connection.close() };
}

class StdioConnection {
  readonly #output: Writable;
  readonly #endpoint: Endpoint;
  readonly #identity: Outcome<Caller>;
  readonly #front: Front;
  readonly #active = new Map<RequestId, Cancellation>();
  readonly #running = new Set<Promise<void>>();
  #session: LegacySession | undefined;
  #closed = false;

  constructor(output: Writable, endpoint: Endpoint, identity: Outcome<Caller>, front: Front) {
    this.#output = output;
    this.#endpoint = endpoint;
    this.#identity = identity;
    this.#front = front;
  }

  receive(line: Buffer): void {
    if (this.#closed || line.length === 0 || (line.length === 1 && line[0] === 13)) return;
    const running = this.#handle(line).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  refuse(refusal: Refusal, id: RequestId | undefined): void {
    this.#write(errorText(id, toWire(refusal, 'modern', '-').error));
  }

  /** The client will send no more: what it asked is answered, what stays open is closed. */
  async drain(): Promise<void> {
    for (const [id, cancellation] of this.#active) if (this.#streams.has(id)) cancellation.cancel();
    await Promise.allSettled(this.#running);
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const cancellation of this.#active.values()) cancellation.cancel();
    this.#session?.close();
  }

  readonly #streams = new Set<RequestId>();

  async #handle(line: Buffer): Promise<void> {
    const bounds = this.#front.bounds();
    const came = arrival('stdio', this.#endpoint);
    const refuseAll = async (refusal: Refusal, id: RequestId | undefined, era: 'legacy' | 'modern'): Promise<void> => {
      const message = unreadable(came, this.#identity, line.length);
      const reply = await runRefused(message, refusal, this.#front.graph(), this.#front.stages);
      this.#write(wholeText(writeReply(reply, { id, method: '', era, reference: came.id })));
    };
    const parsed = parseJson(line, bounds);
    if (!parsed.ok) return refuseAll({ reason: 'bad-json', fault: parsed.fault }, undefined, 'modern');
    const decoded = decode(parsed.value, undefined, bounds.idLength);
    if (!decoded.ok) {
      // A notification that is not understood has nobody to tell.
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
    const client = this.#clientOf(message);
    const cancellation = new Cancellation();
    this.#active.set(message.id, cancellation);
    if (message.operation === 'stream') this.#streams.add(message.id);
    const { session } = client;
    const write = (text: string): void => this.#write(text);
    try {
      const exchange = received(came, {
        identity: this.#identity,
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
            ? { ask: (request) => this.#session?.ask(request, write, cancellation) ?? Promise.resolve({ ok: false }) }
            : {}),
        },
      });
      const reply = await run(exchange, this.#front.graph(), this.#front.stages);
      // A request that was cancelled gets no answer (specification, cancellation).
      if (cancellation.cancelled && message.operation !== 'stream') return;
      this.#write(
        wholeText(writeReply(reply, { id: message.id, method: message.method, era: client.era, reference: came.id })),
      );
    } finally {
      this.#active.delete(message.id);
      this.#streams.delete(message.id);
    }
  }

  #clientOf(message: Decoded & { kind: 'request' }): Client {
    if (message.claims !== undefined) return { ...message.claims, era: 'modern' };
    if (message.method === 'initialize' && this.#identity.ok) {
      this.#session?.close();
      const claims = claimsOf(message.params, agreedVersion(message.params));
      const session = new LegacySession(randomUUID(), this.#identity.value, this.#endpoint, claims);
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
      const { requestId } = message.params;
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#active.get(requestId)?.cancel();
      return;
    }
    const session = this.#session;
    if (message.method !== 'notifications/initialized' || session === undefined || session.hasStream) return;
    session.openStream((text) => this.#write(text));
    session.hearing ??= hear(session, arrival('stdio', this.#endpoint), session.caller, this.#front);
    this.#front.streams.add({
      caller: session.caller,
      end: () => this.close(),
      refresh: (graph) => session.hearing?.refresh(graph),
    });
  }

  #write(text: string): void {
    if (this.#closed) return;
    this.#output.write(`${text}\n`);
    if (this.#output.writableLength > longestBacklog) this.close();
  }
}
