/**
 * A session at one server with one credential, or none: connects when it is first used, reconnects with growing pauses, keeps
 * one subscription for everybody who listens.
 */

import type {
  LinkFailureResult,
  OutboundCall,
  ServerFacts,
  Step,
  UpstreamFailure,
} from '../pipeline/contracts/upstream.ts';
import type { JsonObject } from '../protocol/json.ts';
import { listChanges, listMethods } from '../protocol/methods.ts';
import type { Era } from '../protocol/versions.ts';
import { hideSecrets } from '../secrets/hide.ts';
import { inBackground } from '../telemetry/background.ts';
import { Coalescing } from './coalescing.ts';
import type { Connected, ConnectResult } from './connected.ts';
import type { Credential } from './credentials/contract.ts';
import { isChanged, stepUp } from './credentials/step-up.ts';
import { closed, endedLately, known, notConnected, ofAnotherEra, unsent } from './failures.ts';
import { Leaving } from './leaving.ts';
import { Levels } from './levels.ts';
import { Listening } from './listening.ts';
import { MessageRate } from './message-rate.ts';
import { tell } from './own-call.ts';
import { within } from './patience.ts';
import { learn, recovered } from './recovery.ts';
import { Renewals } from './renewals.ts';
import type { Server, SessionClient } from './server.ts';
import { Watching } from './watching.ts';

const firstPauseMs = 500;
const maxPauseMs = 30_000;
/** A connection that lasted this long was a good one: the next failure starts with the shortest pause again. */
const stableAfterMs = 60_000;
/** Milliseconds between two openings of the subscription, and characters of URIs that may be sent in one of them. */
const listenPauseMs = 100;
const listenRate = 2_048;
const listed: ReadonlySet<string> = new Set(Object.values(listMethods));

export class UpstreamSession {
  readonly #server: Server;
  readonly #client: SessionClient;
  readonly #credential: Credential | undefined;
  #connected: Connected | undefined;
  #connecting: Promise<ServerFacts | LinkFailureResult> | undefined;
  #failure: { readonly failure: UpstreamFailure; readonly until: number } | undefined;
  #pause = firstPauseMs;
  #connectedAt = 0;
  #usedAt = performance.now();
  /** Aborted once it is closed, which ends what is being connected: a program may take minutes to start. */
  readonly #ending = new AbortController();
  readonly #listeners = new Set<(method: string, params: JsonObject) => void>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #coalescing = new Coalescing();
  readonly #watching = new Watching(this.#watchers, async (method, uri) => {
    if (this.#connected !== undefined) await tell(this.#connected.peer, { method, params: { uri } });
  });
  #opening: NodeJS.Timeout | undefined;
  #openedAt = Number.NEGATIVE_INFINITY;
  readonly #rate = new MessageRate();
  readonly #listening = new Listening({
    onNotification: (method, params) => this.#onNotification(method, params),
    // Changes may have been missed, so that remembered lists must be read again.
    onLost: () => this.#announceAll(),
  });
  readonly #stopHearing: (() => void) | undefined;
  readonly #levels = new Levels();
  readonly #leaving = new Leaving();
  readonly #renewals = { refusals: new Renewals(), errors: new Renewals() };

  /** The era in which the next connection is tried first. */
  prefers: Era;
  /** Many callers share this session, which they may do only in the modern era: a legacy session is of one of them. */
  isOfAll = false;

  constructor(server: Server, client: SessionClient, era: Era, credential: Credential | undefined) {
    this.#server = server;
    this.prefers = era;
    this.#client = client;
    this.#credential = credential;
    // What the server lists for this user is known from now on, or more of it.
    this.#stopHearing = credential?.onConnected?.(() => this.#announceAll());
  }

  /** Milliseconds since it was used last; 0 while it is in use. */
  idleFor(now: number): number {
    if (this.#connecting !== undefined || this.#connected?.peer.busy === true || this.#leaving.busy) return 0;
    return this.#watchers.size > 0 ? 0 : now - this.#usedAt;
  }

  /** Names the stream over which changes of lists are heard; `undefined` while there is none. */
  get hearing(): string | undefined {
    const connected = this.#connected;
    if (connected === undefined) return undefined;
    const stream =
      connected.facts.era === 'modern' ? this.#listening.hearing : (connected.peer.transport?.hearing ?? 0);
    return stream === 0 ? undefined : `${this.#connectedAt} ${stream}`;
  }

  /** The connection that there is. */
  get connected(): Connected | undefined {
    return this.#connected;
  }

  /** Of the connection that there is, as long as it works. */
  get connectedFacts(): ServerFacts | undefined {
    const { peer, facts } = this.#connected ?? {};
    return peer === undefined || peer.isDown || peer.sessionLost ? undefined : facts;
  }

  /** A call over the connection that there is, which is as idle afterwards as it was. */
  async glance(call: OutboundCall): Promise<Step> {
    return this.connectedFacts === undefined ? { kind: 'failed', failure: notConnected } : this.#send(call);
  }

  sweep(now: number): void {
    this.#connected?.peer.sweep(now);
    this.#leaving.sweep(now);
  }

  facts(): ServerFacts | Promise<ServerFacts | LinkFailureResult> {
    this.#usedAt = performance.now();
    return this.connectedFacts ?? within(this.#connect(), this.#server.patience);
  }

  /** Over the connection that there is or a new one; where the server has forgotten its session, once more over another. */
  async call(call: OutboundCall): Promise<Step> {
    const facts = this.facts();
    const result = facts instanceof Promise ? await facts : facts;
    if ('failure' in result) return { kind: 'failed', failure: unsent(result.failure) };
    const connected = this.#connected;
    const step = await this.#send(call);
    if (connected === undefined || (step.kind !== 'failed' && step.kind !== 'error')) return step;
    return recovered(step, call, {
      connected,
      server: this.#server,
      renewals: this.#renewals,
      current: () => this.#connected,
      drop: () => this.drop(connected),
      again: () => this.#once(call),
    });
  }

  async #once(call: OutboundCall): Promise<Step> {
    const result = await this.facts();
    return 'failure' in result ? { kind: 'failed', failure: unsent(result.failure) } : this.#send(call);
  }

  watch(uri: string, listener: () => void): () => void {
    const watchers = this.#watchers.get(uri);
    if (watchers !== undefined) watchers.add(listener);
    else {
      this.#watchers.set(uri, new Set([listener]));
      this.#watchChanged(uri);
    }
    return () => {
      const current = this.#watchers.get(uri);
      if (current?.delete(listener) !== true || current.size > 0) return;
      this.#watchers.delete(uri);
      this.#watchChanged(uri);
    };
  }

  onNotification(listener: (method: string, params: JsonObject) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `whose`: what one of them wants takes the place of what it wanted before. */
  setLevel(level: string, whose: string): void {
    // On a session of many callers none of them decides what the others, or the operator, see.
    if (!this.#server.isShared && this.#levels.want(level, whose)) this.#tellLevel();
  }

  #tellLevel(): void {
    const told = this.#connected === undefined ? undefined : this.#levels.tell(this.#connected);
    if (told !== undefined) inBackground('logging/setLevel', told);
  }

  /** The next call begins a connection. False where another call has dropped this one. */
  drop(connected = this.#connected): boolean {
    if (connected !== this.#connected) return false;
    this.#connected = undefined;
    clearTimeout(this.#opening);
    this.#opening = undefined;
    this.#listening.close();
    if (connected !== undefined) this.#leaving.leave(connected.peer);
    return true;
  }

  async close(): Promise<void> {
    this.#coalescing.close();
    this.#stopHearing?.();
    this.#ending.abort();
    await this.#connecting;
    const connected = this.#connected;
    this.#connected = undefined;
    this.drop();
    await Promise.all([connected?.peer.close(), this.#leaving.close()]);
  }

  #send(call: OutboundCall): Promise<Step> {
    const connected = this.#connected;
    if (connected === undefined) return Promise.resolve({ kind: 'failed', failure: closed });
    // Its server was replaced while the call waited. The next one finds a session of its own; only lists concern all.
    if (this.isOfAll && connected.facts.era === 'legacy' && !listed.has(call.method))
      return Promise.resolve({ kind: 'failed', failure: ofAnotherEra });
    if (call.wantedLevel === undefined || connected.facts.era === 'modern') return connected.peer.call(call);
    this.setLevel(call.wantedLevel, 'calls');
    const told = this.#levels.tell(connected);
    return told === undefined ? connected.peer.call(call) : told.then(() => connected.peer.call(call));
  }

  #connect(): Promise<ServerFacts | LinkFailureResult> {
    if (this.#ending.signal.aborted) return Promise.resolve({ failure: closed });
    if (this.#connecting !== undefined) return this.#connecting;
    const now = performance.now();
    if (this.#failure !== undefined && now < this.#failure.until)
      return Promise.resolve({ failure: this.#failure.failure });
    this.drop();
    this.#connecting = this.#attempt().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #attempt(): Promise<ServerFacts | LinkFailureResult> {
    let result = await this.#connectOnce();
    const credential = this.#credential;
    if (!result.ok && credential !== undefined && 'status' in result.failure && result.failure.status === 401) {
      // Nothing was done, as with a call; a credential that can be made anew is, once.
      if (isChanged(credential)) result = await this.#connectOnce();
    }
    if (!result.ok && credential !== undefined) {
      const failure = stepUp(credential, result.failure, 'handshake') ?? result.failure;
      // Not remembered as a failure: the user may connect the account at any moment.
      if (failure.kind === 'account-required') return { failure };
    }
    const now = performance.now();
    if (!result.ok) {
      this.#failure = { failure: known(result.failure), until: now + this.#pause };
      this.#pause = Math.min(this.#pause * 2, maxPauseMs);
      return { failure: result.failure };
    }
    // What is remembered of an outage must not make the next one longer. One that ended lately may do so again.
    if (this.#server.isHttp && this.#failure?.failure !== endedLately) this.#pause = firstPauseMs;
    this.#failure = undefined;
    this.#connectedAt = now;
    credential?.accepted?.();
    const { connected } = result;
    this.#connected = connected;
    learn(connected, this.#server, this.#renewals);
    this.#levels.begin();
    this.#tellLevel();
    if (connected.facts.era === 'modern') this.#listen(connected);
    else this.#watching.begin();
    return connected.facts;
  }

  async #connectOnce(): Promise<ConnectResult> {
    let own: Connected | undefined;
    const ending = this.#ending.signal;
    const result = await this.#server.connect(
      { ...this.#client, isOfAll: this.isOfAll, era: this.prefers, credential: this.#credential, ending },
      {
        audience: this.#server.isShared ? 'many' : 'one',
        onNotification: (method, params) => this.#onNotification(method, params),
        // The end of one that was left concerns its calls only.
        onDown: () => (own === this.#connected ? this.#onDown() : undefined),
      },
    );
    if (result.ok) own = result.connected;
    return result;
  }

  /** The process or the stream is gone. What is remembered of its lists may be wrong from now on. */
  #onDown(): void {
    const now = performance.now();
    this.#server.eras.renew();
    if (now - this.#connectedAt > stableAfterMs) this.#pause = firstPauseMs;
    else if (this.#connectedAt > 0) {
      this.#failure = { failure: endedLately, until: now + this.#pause };
      this.#pause = Math.min(this.#pause * 2, maxPauseMs);
    }
    this.drop();
    this.#announceAll();
  }

  #announceAll(): void {
    for (const method of ['tools', 'prompts', 'resources'])
      for (const listener of this.#listeners) listener(`notifications/${method}/list_changed`, {});
  }

  #onNotification(method: string, params: JsonObject): void {
    if (method === 'notifications/resources/updated') {
      const { uri } = params;
      if (typeof uri !== 'string') return;
      this.#coalescing.say(`updated ${uri}`, () => this.#watching.updated(uri));
      return;
    }
    if (listChanges.has(method)) {
      this.#coalescing.say(method, () => this.#tell(method, params));
      return;
    }
    if (method === 'notifications/message' && !this.#mayTell())
      return this.#server.noted(hideSecrets(params, this.#server.secrets(this.#credential)));
    this.#tell(method, params);
  }

  /**
   * May a log message that names no call go to clients? On a session of many callers it may hold the arguments of any of
   * them, so it does not.
   */
  #mayTell(): boolean {
    if (this.#server.isShared || this.isOfAll || this.#connected?.facts.era === 'modern') return false;
    return this.#rate.take(performance.now());
  }

  #tell(method: string, params: JsonObject): void {
    for (const listener of this.#listeners) listener(method, params);
  }

  #watchChanged(uri: string): void {
    const connected = this.#connected;
    if (connected === undefined) return;
    if (connected.facts.era === 'legacy') return this.#watching.changed(uri);
    // Each opening names everything that is watched, so that changes wait for each other: the longer, the more there is.
    if (this.#opening !== undefined) return;
    const { length } = [...this.#watchers.keys()].join('');
    const wait = this.#openedAt + Math.max(listenPauseMs, length / listenRate) - performance.now();
    const open = (): void => {
      this.#opening = undefined;
      if (this.#connected !== undefined) this.#listen(this.#connected);
    };
    this.#opening = setTimeout(open, Math.max(0, wait));
    this.#opening.unref();
  }

  #listen(connected: Connected): void {
    this.#openedAt = performance.now();
    this.#listening.open(connected, () => [...this.#watchers.keys()]);
  }
}
