/** Everything that stays open towards clients, so that it can be ended when its credential is, or refreshed on reload. */
import type { JsonObject } from '../protocol/json.ts';
import type { Caller } from './contracts/caller.ts';
import type { Delivered } from './deliver.ts';
import { Shares } from './shares.ts';

export type EndReason = 'revoked' | 'disconnected' | 'draining';

export interface OpenStream {
  readonly caller: Caller;
  /** Ends the stream towards the client in good order. */
  end(reason: EndReason): void;
  /** A new revision is in force. */
  refresh(): void;
  /** Tells the client something of the gateway's own; absent where nothing but answers may be said. */
  notify?(method: string, params: Delivered<JsonObject>): void;
}

/** Characters of the URIs that streams watch. All that are watched at a server stand in one request to it. */
const watchedBounds = { maxOfOwner: 2 * 1024 * 1024, max: 16 * 1024 * 1024 };

export class Streams {
  /** What of these bounds is held by each caller. */
  readonly watched = new Shares(watchedBounds);
  readonly #open = new Set<OpenStream>();
  #draining = false;

  get size(): number {
    return this.#open.size;
  }

  add(stream: OpenStream): () => void {
    this.#open.add(stream);
    if (this.#draining) stream.end('draining');
    return () => this.#open.delete(stream);
  }

  /** What is called may open or end streams, and a set yields what is added while it is walked. */
  #copy(): readonly OpenStream[] {
    return [...this.#open];
  }

  endCredential(id: string): void {
    for (const stream of this.#copy()) if (stream.caller.credential.id === id) stream.end('revoked');
  }

  /** Ends what is open for credentials that have ended. */
  endEnded(renew: (caller: Caller) => Caller | undefined): void {
    for (const stream of this.#copy()) if (renew(stream.caller) === undefined) stream.end('revoked');
  }

  /** The callers that have something open, each once. */
  callers(): ReadonlySet<Caller> {
    return new Set([...this.#open].map(({ caller }) => caller));
  }

  /** Tells every stream of this caller. */
  notify(caller: string, method: string, params: Delivered<JsonObject>): void {
    for (const stream of this.#copy()) if (stream.caller.key === caller) stream.notify?.(method, params);
  }

  refresh(): void {
    for (const stream of this.#copy()) stream.refresh();
  }

  /** Ends everything that is open, and what opens after it. */
  endAll(): void {
    this.#draining = true;
    for (const stream of this.#copy()) stream.end('draining');
  }
}
