/**
 * Begins a connection to a server that runs as a child process, and finds out its era on that process: a refused
 * greeting is followed by the one of the other era, and so is silence, as some servers never answer what they do not
 * know. A process that is slow to start reads both in their order, so that the verdict does not depend on load.
 */

import { Cancellation } from '../../pipeline/cancellation.ts';
import type { Step, UpstreamFailure } from '../../pipeline/contracts/upstream.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { codes, errorText, type Message, type RequestId, requestText, resultText } from '../../protocol/jsonrpc.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Connected } from '../connected.ts';
import { otherEra } from '../eras.ts';
import { closed, timedOut } from '../failures.ts';
import { factsOf, greetingFailure, greetingOf } from '../handshake.ts';
import { legacyParams, modernParams } from '../outbound.ts';
import { ownCall } from '../own-call.ts';
import { Peer, type PeerEvents, type PeerTimes } from '../peer.ts';
import type { Transport, TransportEvents } from '../transport.ts';

/** Milliseconds. A process that has not answered by then is greeted in the other era as well (2026-07-28, versioning). */
const silenceMs = 6_000;

export interface StdioOpening {
  /** Starts the process. */
  readonly start: (events: TransportEvents) => Transport;
  /** The eras to try, in this order. */
  readonly eras: readonly Era[];
  readonly capabilities: JsonObject;
  /** Milliseconds until the process must have answered: it may have to be downloaded first. */
  readonly startTimeout: number;
  readonly times: PeerTimes;
  readonly events: PeerEvents;
  /** The process is wanted no more: it is not waited for. */
  readonly ending: AbortSignal | undefined;
}

/** `refused`: eras that the server is known not to speak now. */
export type StdioOpened = { readonly refused: readonly Era[] } & (
  | { readonly ok: true; readonly connected: Connected }
  /** `ended`: by itself, on the first greeting. */
  | { readonly ok: false; readonly failure: UpstreamFailure; readonly ended: boolean }
);

export async function openStdio(opening: StdioOpening): Promise<StdioOpened> {
  const greeter = new Greeter(opening);
  const relay = new Relay(greeter);
  const transport = opening.start(relay);
  const found = await greeter.greet(transport);
  if (!found.ok) {
    await transport.close();
    return { ...found, refused: [] };
  }
  const { facts } = found;
  const peer = new Peer(facts.era, opening.times, opening.events);
  peer.attach(transport);
  relay.to = peer;
  if (greeter.down !== undefined) peer.onDown(greeter.down);
  if (facts.era === 'legacy') peer.notify('notifications/initialized', {});
  return { ok: true, connected: { peer, facts }, refused: greeter.askedBefore(facts.era) };
}

/** The process outlives its greeting: from then on a peer hears it. */
class Relay implements TransportEvents {
  to: TransportEvents;

  constructor(to: TransportEvents) {
    this.to = to;
  }

  onMessage(message: Message, bytes: number, request: RequestId | undefined, text: string | undefined): void {
    this.to.onMessage(message, bytes, request, text);
  }

  onRequestFailed(id: RequestId, failure: UpstreamFailure, sessionLost: boolean): void {
    this.to.onRequestFailed(id, failure, sessionLost);
  }

  onDown(detail: string): void {
    this.to.onDown(detail);
  }
}

type Found =
  | { readonly ok: true; readonly facts: Connected['facts'] }
  | { readonly ok: false; readonly failure: UpstreamFailure; readonly ended: boolean };

class Greeter implements TransportEvents {
  /** Why nothing more will come, once that is so. */
  down: string | undefined;
  readonly #opening: StdioOpening;
  readonly #asked: Era[] = [];
  #refusals = 0;
  #transport: Transport | undefined;
  #first: UpstreamFailure | undefined;
  #end: ((found: Found) => void) | undefined;

  constructor(opening: StdioOpening) {
    this.#opening = opening;
  }

  greet(transport: Transport): Promise<Found> {
    const { startTimeout, ending } = this.#opening;
    this.#transport = transport;
    return new Promise((resolve) => {
      const silent = setTimeout(() => this.#askNext(), silenceMs);
      const late = setTimeout(() => {
        const failure = timedOut(`did not answer the handshake within ${startTimeout} ms`);
        this.#end?.({ ok: false, failure: this.#first ?? failure, ended: false });
      }, startTimeout);
      const giveUp = (): void => this.#end?.({ ok: false, failure: closed, ended: false });
      this.#end = (found) => {
        clearTimeout(silent);
        clearTimeout(late);
        ending?.removeEventListener('abort', giveUp);
        this.#end = undefined;
        resolve(found);
      };
      ending?.addEventListener('abort', giveUp);
      if (ending?.aborted === true) return giveUp();
      this.#askNext();
      if (this.down !== undefined) this.#ended(this.down);
    });
  }

  /** The eras whose greetings came before the one that was answered: a process that has them answers in this order. */
  askedBefore(era: Era): readonly Era[] {
    return this.#asked.slice(0, this.#asked.indexOf(era));
  }

  onMessage(message: Message): void {
    if (message.kind === 'request') {
      const { id, method } = message;
      const unknown = { code: codes.methodNotFound, message: 'Method not found' };
      return this.#transport?.send(method === 'ping' ? resultText(id, {}) : errorText(id, unknown));
    }
    if (message.kind !== 'response') return;
    const { id, result, error } = message;
    this.#answered(
      id,
      error === undefined ? { kind: 'result', result: result ?? {}, bytes: 0 } : { kind: 'error', error },
    );
  }

  onRequestFailed(id: RequestId, failure: UpstreamFailure): void {
    this.#answered(id, { kind: 'failed', failure });
  }

  onDown(detail: string): void {
    this.down ??= detail;
    this.#ended(this.down);
  }

  #ended(detail: string): void {
    const ended = this.#asked.length === 1 && !detail.startsWith('cannot be started');
    this.#end?.({ ok: false, failure: { kind: 'unavailable', detail }, ended });
  }

  #answered(id: RequestId, step: Step): void {
    const era = this.#asked.find((each) => idOf(each) === id);
    if (era === undefined || this.#end === undefined) return;
    const facts = step.kind === 'result' ? factsOf(era, step.result) : undefined;
    if (facts !== undefined) return this.#end({ ok: true, facts });
    this.#refusals++;
    this.#first ??= greetingFailure(step);
    if (this.#refusals < this.#opening.eras.length) return this.#askNext();
    this.#end({ ok: false, failure: this.#first, ended: false });
  }

  #askNext(): void {
    const era = this.#opening.eras[this.#asked.length];
    if (era === undefined || this.#end === undefined) return;
    this.#asked.push(era);
    const { method, params } = greetingOf(era, this.#opening.capabilities);
    const call = ownCall(method, params, new Cancellation());
    const id = idOf(era);
    this.#transport?.request(
      id,
      requestText(id, method, era === 'modern' ? modernParams(call, id) : legacyParams(call, id)),
      { headers: {}, budget: 'calls' },
    );
  }
}

/** Ids of a peer are numbers: what comes late is taken for the answer of none of its calls. */
function idOf(era: Era): string {
  return greetingOf(era, {}).method;
}

/** The eras in the order in which a server is asked, without those that it is known not to speak. */
export function erasInOrder(preferred: Era, speaks: (era: Era) => boolean | undefined): readonly Era[] {
  const order = [preferred, otherEra(preferred)];
  const known = order.filter((era) => speaks(era) !== false);
  return known.length === 0 ? order : known;
}
