/**
 * What one open stream hears of the servers behind its endpoint: changes of lists, updates of the resources that it
 * watches, and log messages of legacy servers that belong to no call. Only what its caller may see passes.
 */

import { Checks } from '../../pipeline/checks.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Said } from '../../pipeline/contracts/inspector.ts';
import type { Grants } from '../../pipeline/contracts/policy.ts';
import type { Snapshot } from '../../pipeline/contracts/snapshot.ts';
import type { UpstreamClient } from '../../pipeline/contracts/upstream.ts';
import { type Deliver, type Delivered, ownWords } from '../../pipeline/deliver.ts';
import type { Identified } from '../../pipeline/exchange.ts';
import { InOrder } from '../../pipeline/in-order.ts';
import type { Inspect } from '../../pipeline/inspect.ts';
import { type ReachableServer, reachAll, whenceOf } from '../../pipeline/reach.ts';
import type { Shares } from '../../pipeline/shares.ts';
import { turnsOf } from '../../pipeline/turns.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { cleanServerMeta } from '../../protocol/meta.ts';
import { type ListKind, listChanges } from '../../protocol/methods.ts';
import { inBackground } from '../../telemetry/background.ts';
import { VisibleLists } from './visible-lists.ts';

/** Resources that one stream watches. Each costs a request to its server, and memory here and there. */
export const maxWatches = 1_000;
/** What a watched resource counts for beside the characters of its URI. */
const watchChars = 64;

export type Listener = (method: string, params: Delivered<JsonObject>) => void;

interface Attached {
  readonly upstream: UpstreamClient;
  readonly isDisabled: boolean;
  readonly grantsKey: string;
  readonly stop: () => void;
}

interface Watched {
  readonly server: string;
  readonly uri: string;
  readonly upstream: UpstreamClient;
  readonly stop: () => void;
}

/** The revision in force, and who listens under it: `undefined` when the credential has ended. */
export interface HearingRights {
  snapshot(): Snapshot;
  caller(): Caller | undefined;
  readonly deliver: Deliver;
  readonly inspect: Inspect;
  /** Characters of what callers watch. */
  readonly watched: Shares;
}

export class Subscription {
  readonly #exchange: Identified;
  readonly #listener: Listener;
  readonly #attached = new Map<string, Attached>();
  readonly #watches = new Map<string, Watched>();
  readonly #rights: HearingRights;
  #closed = false;
  /** What is watched was decided on under an earlier revision. */
  #isStale = false;
  #isWatchingAgain = false;
  readonly #order = new InOrder();

  constructor(exchange: Identified, rights: HearingRights, listener: Listener) {
    this.#exchange = exchange;
    this.#listener = listener;
    this.#rights = rights;
    for (const reachable of this.#reachAll()) this.#attach(reachable);
  }

  /** Where its caller leads now. Nowhere, when the credential has ended. */
  #reachAll(): readonly ReachableServer[] {
    const caller = this.#rights.caller();
    return caller === undefined ? [] : reachAll({ ...this.#exchange, caller }, this.#rights.snapshot());
  }

  /** What its caller may do at a server now. */
  #grants(server: string): Grants | undefined {
    const caller = this.#rights.caller();
    return caller === undefined
      ? undefined
      : this.#rights.snapshot().policy.grants(caller, server, whenceOf(this.#exchange));
  }

  /** The servers that are heard at the moment. */
  get size(): number {
    return this.#attached.size;
  }

  /** Hears of updates of a resource, if the caller may read it now. False when it may not, or when no server has it. */
  watch(server: string, uri: string): boolean {
    // A session may end while it waits for the server: what is watched then is never given back.
    const reachable = this.#closed ? undefined : this.#whereOpen(server, uri);
    return reachable !== undefined && this.#watchAt(reachable, uri);
  }

  /** The server, if its caller may read the resource there now. */
  #whereOpen(server: string, uri: string): ReachableServer | undefined {
    const reachable = this.#reachAll().find((candidate) => candidate.server === server);
    return reachable?.isDisabled === false && mayRead(reachable.grants, uri) ? reachable : undefined;
  }

  /** Do the inspectors let this URI go to the server, as it is and without a person? */
  async #mayGo(uri: string, { grants }: ReachableServer, checks: Checks): Promise<boolean> {
    const exchange = this.#exchange;
    const capability = { type: 'resource', uri } as const;
    const decision = grants.decide(capability, undefined, exchange.at);
    const content = { uri };
    const seen = { ...exchange, capability, grants, decision, checks };
    const passed = await this.#rights.inspect({ kind: 'arguments', content }, seen);
    return passed.ok && passed.content === content && passed.hold === undefined;
  }

  /** False when the stream, its caller, or all callers watch as much as they may. */
  #watchAt({ server, upstream }: ReachableServer, uri: string): boolean {
    const key = `${server}\n${uri}`;
    if (this.#watches.has(key)) return true;
    if (this.#watches.size >= maxWatches) return false;
    const owner = this.#exchange.caller.key;
    const chars = uri.length + watchChars;
    if (!this.#rights.watched.take(owner, chars)) return false;
    const stopWatching = upstream.watch(uri, () => this.#updated(server, uri));
    const stop = (): void => {
      stopWatching();
      this.#rights.watched.give(owner, chars);
    };
    this.#watches.set(key, { server, uri, upstream, stop });
    return true;
  }

  /**
   * As `watch`, for a whole list, each at whichever server lists the resource or could have it. Returns what is watched: a URI
   * goes to its server, so that inspectors look at it first, and leave `checks`.
   */
  async watchAnywhere(uris: readonly string[], checks: Checks): Promise<string[]> {
    const there = this.#reachAll().filter(({ isDisabled }) => !isDisabled);
    const reachable = there.map((entry) => ({
      entry,
      listed: entry.catalog.read('resources'),
    }));
    const watched: string[] = [];
    const turns = turnsOf();
    for (const uri of new Set(uris)) {
      if (turns.isOver()) await turns.next();
      const candidates = reachable.filter(({ entry }) => mayRead(entry.grants, uri));
      const listing = candidates.find(({ listed }) => !(listed instanceof Promise) && listed.byName.has(uri));
      const chosen = listing ?? candidates[0];
      if (chosen === undefined || !(await this.#mayGo(uri, chosen.entry, checks))) continue;
      // It took its time: the right of now counts.
      if (this.watch(chosen.entry.server, uri)) watched.push(uri);
    }
    return watched;
  }

  unwatch(server: string, uri: string): void {
    const key = `${server}\n${uri}`;
    this.#watches.get(key)?.stop();
    this.#watches.delete(key);
  }

  /** A new revision: listens where the caller may listen now, and says which lists look different. */
  refresh(): void {
    if (this.#closed) return;
    const reachable = new Map(this.#reachAll().map((entry) => [entry.server, entry]));
    let changed = false;
    for (const [server, attached] of this.#attached) {
      const now = reachable.get(server);
      if (now !== undefined && isSame(now, attached)) continue;
      attached.stop();
      this.#attached.delete(server);
      changed = true;
    }
    for (const [server, entry] of reachable) {
      if (this.#attached.has(server)) continue;
      this.#attach(entry);
      changed = true;
    }
    this.#isStale = true;
    if (!this.#isWatchingAgain) inBackground('watch resources again', this.#watchAgain());
    if (changed) for (const method of listChanges.keys()) this.#listener(method, ownWords({}));
  }

  /**
   * Watches where the caller may now, and what the inspectors of now let pass. Each costs a decision, so that others have their
   * turn in between: until then an update tells nothing that may not be read, as it is decided on itself.
   */
  async #watchAgain(): Promise<void> {
    const turns = turnsOf();
    this.#isWatchingAgain = true;
    try {
      while (this.#isStale && !this.#closed) {
        this.#isStale = false;
        // A copy, as what is watched again would be walked again, without end.
        const all = [...this.#watches];
        for (const [key, watch] of all) {
          if (turns.isOver()) await turns.next();
          if (this.#closed) break;
          // It may have been given up meanwhile.
          if (this.#watches.get(key) !== watch) continue;
          const { server, uri } = watch;
          const before = this.#whereOpen(server, uri);
          // Its stream has its record.
          const passes = before !== undefined && (await this.#mayGo(uri, before, new Checks()));
          const open = passes ? this.#whereOpen(server, uri) : undefined;
          if (this.#closed || this.#watches.get(key) !== watch || open?.upstream === watch.upstream) continue;
          watch.stop();
          this.#watches.delete(key);
          if (open !== undefined) this.#watchAt(open, uri);
        }
      }
    } finally {
      this.#isWatchingAgain = false;
    }
  }

  close(): void {
    this.#closed = true;
    for (const { stop } of this.#attached.values()) stop();
    for (const { stop } of this.#watches.values()) stop();
    this.#attached.clear();
    this.#watches.clear();
  }

  #attach(reachable: ReachableServer): void {
    const { server, upstream, grants, catalog, isDisabled } = reachable;
    if (isDisabled) {
      // It keeps the stream open, which hears when there is something to hear.
      this.#attached.set(server, { upstream, grantsKey: grants.key, isDisabled, stop: () => {} });
      return;
    }
    const visible = new VisibleLists(reachable);
    const stopLink = upstream.onNotification((method, params) => {
      // A message that comes after the right to it ended, and before what is open is refreshed.
      if (this.#grants(server) === undefined) return;
      const kinds = listChanges.get(method);
      if (kinds !== undefined)
        inBackground('read changed lists', this.#changed(server, upstream, visible, kinds, method));
      else if (method === 'notifications/message')
        this.#tell(server, upstream, { kind: 'notification', method, content: cleanServerMeta(params) });
    });
    const release = upstream.hold();
    const stopCatalog = catalog.onArrival((kind) => {
      if (this.#grants(server) === undefined) return;
      for (const [method, kinds] of listChanges) if (kinds[0] === kind) this.#listener(method, ownWords({}));
    });
    this.#attached.set(server, {
      upstream,
      grantsKey: grants.key,
      isDisabled,
      stop: () => {
        stopLink();
        stopCatalog();
        release();
      },
    });
    // Changes can only be heard over a connection; it opens in the background.
    const facts = upstream.facts();
    if (facts instanceof Promise) inBackground('connect server', facts);
  }

  /** Says that a list changed, where its caller sees that it did. */
  async #changed(
    server: string,
    upstream: UpstreamClient,
    visible: VisibleLists,
    kinds: readonly ListKind[],
    method: string,
  ): Promise<void> {
    if (!(await visible.differ(kinds))) return;
    // The list took its time: the stream may be over by now, and so may the right to it.
    if (this.#attached.get(server)?.upstream === upstream && this.#grants(server) !== undefined)
      this.#listener(method, ownWords({}));
  }

  #updated(server: string, uri: string): void {
    const grants = this.#grants(server);
    // The URI is the one that the client named, or one below it that the server names.
    if (grants !== undefined && mayRead(grants, uri))
      this.#listener('notifications/resources/updated', ownWords({ uri }));
  }

  /** Words of a server, for as long as the right to hear them lasts. */
  #tell(server: string, upstream: UpstreamClient, said: Said<JsonObject> & { readonly method: string }): void {
    this.#order.pass(this.#rights.deliver(said, { upstream }), (content) => {
      if (!this.#closed && this.#grants(server) !== undefined) this.#listener(said.method, content);
    });
  }
}

function isSame({ upstream, grants, isDisabled }: ReachableServer, attached: Attached): boolean {
  return upstream === attached.upstream && grants.key === attached.grantsKey && isDisabled === attached.isDisabled;
}

/** The same decision as for reads: an update notification discloses that the resource changed. */
function mayRead(grants: Grants, uri: string): boolean {
  const { effect } = grants.decide({ type: 'resource', uri }, undefined, Date.now());
  return effect === 'allow' || effect === 'observe';
}
