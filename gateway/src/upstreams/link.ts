/**
 * The way to one server for one kind of client: connects when it is first used, reconnects with growing pauses, keeps
 * one subscription for everybody who listens.
 */

import type { Bounds } from '../config/schema/index.ts';
import { bearerChallenge } from '../oauth/challenge.ts';
import type { Caller } from '../pipeline/caller.ts';
import { Cancellation } from '../pipeline/cancellation.ts';
import type {
  Link,
  LinkFailure,
  LinkFailureResult,
  ListResult,
  OutboundCall,
  ServerFacts,
  Step,
} from '../pipeline/upstream.ts';
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { type ListKind, listMembers, listMethods, logLevels } from '../protocol/methods.ts';
import type { Credential, CredentialHeaders } from './credentials/contract.ts';
import { hideInStep, hideSecrets } from './credentials/hide.ts';
import { misbehaved, withoutCredential } from './failures.ts';
import { Listening } from './listening.ts';
import { type Connected, type ConnectResult, ownCall, type Server } from './server.ts';

const firstPause = 500;
const longestPause = 30_000;
/** A connection that lasted this long was a good one: the next failure starts with the shortest pause again. */
const settled = 60_000;

export class ServerLink implements Link {
  readonly server: string;
  readonly hasAccounts: boolean;
  readonly key: string;
  readonly #server: Server;
  readonly #capabilities: JsonObject;
  readonly #bounds: Bounds;
  readonly #credential: Credential | undefined;
  /** For whom the way is; `undefined` for the gateway itself. */
  readonly #caller: Caller | undefined;
  #connected: Connected | undefined;
  #connecting: Promise<ServerFacts | LinkFailureResult> | undefined;
  #failure: { readonly failure: LinkFailure; readonly until: number } | undefined;
  #pause = firstPause;
  #connectedAt = 0;
  #usedAt = performance.now();
  #closed = false;
  readonly #listeners = new Set<(method: string, params: JsonObject) => void>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #listening = new Listening({
    onNotification: (method, params) => this.#onNotification(method, params),
    // Changes may have been missed: whoever remembers a list must read it again.
    onLost: () => this.#announceAll(),
  });
  readonly #stopHearing: (() => void) | undefined;
  #holders = 0;
  #level: number | undefined;

  /** Ways of their own for tiers whose credential cannot go along on this one. */
  readonly #tiers = new Map<OutboundCall['tier'], ServerLink>();
  /** The server binds a session to the credential that began it. */
  #apart = false;

  /** `own`: the credential of everything on this way, in place of the one that the caller has. */
  constructor(
    server: Server,
    key: string,
    capabilities: JsonObject,
    bounds: Bounds,
    caller?: Caller,
    own?: Credential,
  ) {
    this.#server = server;
    this.server = server.name;
    this.key = key;
    this.#capabilities = capabilities;
    this.#bounds = bounds;
    this.#caller = caller;
    this.hasAccounts = server.credentials?.hasAccounts === true;
    this.#credential = own ?? server.credentials?.way(caller).credential;
    // What the server lists for this user is known from now on, or more of it.
    this.#stopHearing = this.#credential?.onConnected?.(() => this.#announceAll());
  }

  /** Monotonic milliseconds since somebody used this way; 0 while it is in use. */
  idleFor(now: number): number {
    if (this.#connecting !== undefined || this.#holders > 0 || this.#connected?.peer.busy === true) return 0;
    if (this.#watchers.size > 0) return 0;
    return Math.min(now - this.#usedAt, ...[...this.#tiers.values()].map((way) => way.idleFor(now)));
  }

  sweep(now: number): void {
    this.#connected?.peer.sweep(now);
    for (const way of this.#tiers.values()) way.sweep(now);
  }

  facts(): ServerFacts | Promise<ServerFacts | LinkFailureResult> {
    this.#usedAt = performance.now();
    const connected = this.#connected;
    if (connected !== undefined && !connected.peer.isDown && !connected.peer.sessionLost) return connected.facts;
    return this.#connect();
  }

  call(call: OutboundCall): Promise<Step> {
    if (this.#credential !== undefined || this.#server.credentials?.hasTiers === true)
      return this.#callWith(call, true);
    return this.#callOnce(call).then((step) => (step.kind === 'failed' ? this.#recover(step, call) : step));
  }

  /** A call with a credential: fetched when need be, made anew once when the server does not accept it. */
  async #callWith(call: OutboundCall, again: boolean): Promise<Step> {
    const special = call.tier === undefined ? undefined : this.#server.credentials?.ofTier(this.#caller, call.tier);
    const credential = special ?? this.#credential;
    if (credential === undefined) return this.#callOnce(call);
    const ready = credential.ready();
    const given = ready instanceof Promise ? await ready : ready;
    if (!given.ok) return { kind: 'failed', failure: withoutCredential(given) };
    const { headers } = given;
    const foreign = special !== undefined && special !== this.#credential;
    // In headers of other names, the credential of this way would go along with the one of the tier.
    if (foreign && (this.#apart || !covers(headers, this.#credential?.current())))
      return this.#wayOf(call, special).call(call);
    const secrets = this.#secrets(special);
    const guarded: OutboundCall = {
      ...call,
      ...(special === undefined ? {} : { headers }),
      onNotification: (method, params) => call.onNotification(method, hideSecrets(params, secrets)),
    };
    const first = await this.#callOnce(guarded);
    const step = first.kind === 'failed' ? await this.#recover(first, guarded) : first;
    if (step.kind !== 'failed') return hideInStep(step, secrets);
    // 401 comes before anything is done (RFC 9110, 15.5.2), so the call can be made once more.
    const refused = 'status' in step.failure && step.failure.status === 401;
    if (refused && credential.refused(headers) && again) return this.#callWith(call, false);
    if (foreign && this.#connected?.peer.sessionLost === true) {
      // A session that began a moment ago is not known for this credential, so nothing was done: it wants its own.
      this.#apart = true;
      this.#drop();
      return this.#wayOf(call, special).call(call);
    }
    const invitation = stepUp(credential, step.failure, operationOf(call));
    return invitation === undefined ? step : { kind: 'failed', failure: invitation };
  }

  #wayOf({ tier }: OutboundCall, credential: Credential): ServerLink {
    let way = this.#tiers.get(tier);
    if (way === undefined) {
      way = new ServerLink(
        this.#server,
        `${this.key} ${tier}`,
        this.#capabilities,
        this.#bounds,
        this.#caller,
        credential,
      );
      this.#tiers.set(tier, way);
      if (this.#level !== undefined) way.setLevel(logLevels[this.#level] ?? '');
    }
    return way;
  }

  #recover(step: Step & { kind: 'failed' }, call: OutboundCall): Step | Promise<Step> {
    if (this.#connected?.peer.sessionLost === true) {
      // The server has forgotten our session, so it has not run the call: begin a session and make it once more.
      this.#drop();
      return this.#callOnce(call);
    }
    const { failure } = step;
    if (failure.kind === 'unavailable' && failure.status !== undefined && [400, 404, 405].includes(failure.status)) {
      this.#drop();
      this.#server.forgetEra();
    }
    return step;
  }

  async list(kind: ListKind): Promise<ListResult> {
    const items: JsonObject[] = [];
    const seen = new Set<string>();
    let cursor: string | undefined;
    let ttl = Number.POSITIVE_INFINITY;
    for (let page = 0; page < this.#bounds.listPages; page++) {
      const step = await this.call({
        ...ownCall(listMethods[kind], cursor === undefined ? {} : { cursor }, new Cancellation()),
        capabilities: this.#capabilities,
      });
      if (step.kind === 'failed') return { ok: false, failure: step.failure };
      if (step.kind !== 'result') return { ok: false, failure: misbehaved(`${listMethods[kind]} answered no list`) };
      const entries = step.result[listMembers[kind]];
      if (!Array.isArray(entries)) return { ok: false, failure: misbehaved(`${listMethods[kind]} answered no list`) };
      for (const entry of entries as readonly Json[]) if (isObject(entry)) items.push(entry);
      if (items.length > this.#bounds.listItems)
        return {
          ok: false,
          failure: misbehaved(`${listMethods[kind]} has more than ${this.#bounds.listItems} entries`),
        };
      ttl = Math.min(ttl, typeof step.result.ttlMs === 'number' && step.result.ttlMs >= 0 ? step.result.ttlMs : 0);
      const next = step.result.nextCursor;
      if (typeof next !== 'string') return { ok: true, items, ttl };
      // A cursor that comes back would be followed for ever.
      if (seen.has(next)) return { ok: false, failure: misbehaved(`${listMethods[kind]} repeats a cursor`) };
      seen.add(next);
      cursor = next;
    }
    return { ok: false, failure: misbehaved(`${listMethods[kind]} has more than ${this.#bounds.listPages} pages`) };
  }

  watch(uri: string, listener: () => void): () => void {
    const watchers = this.#watchers.get(uri);
    if (watchers !== undefined) watchers.add(listener);
    else {
      this.#watchers.set(uri, new Set([listener]));
      this.#watchChanged('resources/subscribe', uri);
    }
    return () => {
      const current = this.#watchers.get(uri);
      if (current?.delete(listener) !== true || current.size > 0) return;
      this.#watchers.delete(uri);
      this.#watchChanged('resources/unsubscribe', uri);
    };
  }

  onNotification(listener: (method: string, params: JsonObject) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (held) this.#holders--;
      held = false;
    };
  }

  setLevel(level: string): void {
    const rank = logLevels.indexOf(level);
    if (rank === -1 || (this.#level !== undefined && rank >= this.#level)) return;
    this.#level = rank;
    this.#sendLevel();
    for (const way of this.#tiers.values()) way.setLevel(level);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopHearing?.();
    await this.#connecting;
    const connected = this.#connected;
    this.#connected = undefined;
    this.#listening.close();
    await Promise.all([connected?.peer.close(), ...[...this.#tiers.values()].map((way) => way.close())]);
  }

  #callOnce(call: OutboundCall): Promise<Step> {
    const facts = this.facts();
    if (!(facts instanceof Promise)) return this.#send(call);
    return facts.then((result) =>
      'failure' in result ? { kind: 'failed', failure: result.failure } : this.#send(call),
    );
  }

  #send(call: OutboundCall): Promise<Step> {
    const connected = this.#connected;
    if (connected === undefined)
      return Promise.resolve({ kind: 'failed', failure: { kind: 'unavailable', detail: 'closed' } });
    return connected.peer.call(call);
  }

  #connect(): Promise<ServerFacts | LinkFailureResult> {
    if (this.#closed) return Promise.resolve({ failure: { kind: 'unavailable', detail: 'closed' } });
    if (this.#connecting !== undefined) return this.#connecting;
    const now = performance.now();
    if (this.#failure !== undefined && now < this.#failure.until)
      return Promise.resolve({ failure: this.#failure.failure });
    this.#drop();
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
      if (this.hasAccounts && credential.refused(credential.current())) result = await this.#connectOnce();
    }
    if (!result.ok && credential !== undefined) {
      const failure = stepUp(credential, result.failure, 'handshake') ?? result.failure;
      // Nobody has to wait before trying again: the user may have connected the account by then.
      if (failure.kind === 'unconnected') return { failure };
    }
    const now = performance.now();
    if (!result.ok) {
      this.#failure = { failure: result.failure, until: now + this.#pause };
      this.#pause = Math.min(this.#pause * 2, longestPause);
      return { failure: result.failure };
    }
    this.#failure = undefined;
    this.#connectedAt = now;
    const connected = { ...result.connected, facts: this.#hidden(result.connected.facts) };
    this.#connected = connected;
    if (this.#level !== undefined) this.#sendLevel();
    if (connected.facts.era === 'modern') this.#listen(connected);
    else for (const uri of this.#watchers.keys()) this.#watchChanged('resources/subscribe', uri);
    return connected.facts;
  }

  #connectOnce(): Promise<ConnectResult> {
    return this.#server.connect(
      this.#capabilities,
      {
        onNotification: (method, params) => this.#onNotification(method, params),
        onDown: () => this.#onDown(),
      },
      this.#credential,
    );
  }

  /** The process or the stream is gone. What is remembered of its lists may be wrong from now on. */
  #onDown(): void {
    const now = performance.now();
    if (now - this.#connectedAt > settled) this.#pause = firstPause;
    else if (this.#connectedAt > 0) {
      this.#failure = { failure: { kind: 'unavailable', detail: 'ended a moment ago' }, until: now + this.#pause };
      this.#pause = Math.min(this.#pause * 2, longestPause);
    }
    this.#drop();
    this.#announceAll();
  }

  #drop(): void {
    const connected = this.#connected;
    this.#connected = undefined;
    this.#listening.close();
    if (connected !== undefined) void connected.peer.close();
  }

  #announceAll(): void {
    for (const method of ['tools', 'prompts', 'resources'])
      for (const listener of this.#listeners) listener(`notifications/${method}/list_changed`, {});
  }

  #onNotification(method: string, params: JsonObject): void {
    if (method === 'notifications/resources/updated') {
      const { uri } = params;
      if (typeof uri !== 'string') return;
      for (const [watched, watchers] of this.#watchers)
        if (uri === watched || uri.startsWith(watched.endsWith('/') ? watched : `${watched}/`))
          for (const watcher of watchers) watcher();
      return;
    }
    const shown = this.#listeners.size === 0 ? params : hideSecrets(params, this.#secrets());
    for (const listener of this.#listeners) listener(method, shown);
  }

  /** What the server has been given over this way: in no word of it may that come back. */
  #secrets(special?: Credential): readonly string[] {
    const own = this.#credential?.secrets() ?? [];
    return special === undefined || special === this.#credential ? own : [...own, ...special.secrets()];
  }

  /** A server introduces itself to clients in its own words. */
  #hidden(facts: ServerFacts): ServerFacts {
    const { info, capabilities, instructions } = facts;
    const secrets = this.#secrets();
    return {
      ...facts,
      capabilities: hideSecrets(capabilities, secrets),
      ...(info === undefined ? {} : { info: hideSecrets(info, secrets) }),
      ...(instructions === undefined ? {} : { instructions: hideSecrets(instructions, secrets) }),
    };
  }

  #watchChanged(method: string, uri: string): void {
    const connected = this.#connected;
    if (connected === undefined) return;
    if (connected.facts.era === 'modern') this.#listen(connected);
    else void connected.peer.call(ownCall(method, { uri }, new Cancellation()));
  }

  #listen(connected: Connected): void {
    this.#listening.open(connected, () => [...this.#watchers.keys()]);
  }

  #sendLevel(): void {
    const connected = this.#connected;
    const level = this.#level === undefined ? undefined : logLevels[this.#level];
    if (connected?.facts.era !== 'legacy' || level === undefined || connected.facts.capabilities.logging === undefined)
      return;
    void connected.peer.call(ownCall('logging/setLevel', { level }, new Cancellation()));
  }
}

/** An invitation to agree to more, where the server says that the token opens too little. */
function stepUp(credential: Credential, failure: LinkFailure, operation: string): LinkFailure | undefined {
  if (!('challenge' in failure) || failure.status !== 403) return undefined;
  const challenge = bearerChallenge(failure.challenge);
  const invitation = challenge === undefined ? undefined : credential.insufficient?.(challenge, operation);
  return invitation === undefined
    ? undefined
    : { kind: 'unconnected', detail: `the token lacks ${challenge?.scopes.join(' ')}`, invitation };
}

function operationOf({ method, params }: OutboundCall): string {
  const target = params.name ?? params.uri;
  return typeof target === 'string' ? `${method} ${target.slice(0, 256)}` : method;
}

/** Every header of the one is replaced by the other. */
function covers(headers: CredentialHeaders, others: CredentialHeaders | undefined): boolean {
  return Object.keys(others ?? {}).every((name) => Object.hasOwn(headers, name));
}
