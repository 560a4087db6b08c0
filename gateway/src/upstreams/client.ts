/**
 * Everything that one kind of client does at one server: its calls go over one session, with its credential; those of tiers
 * whose credential cannot go along over sessions of their own.
 */

import type { Bounds } from '../config/schema/index.ts';
import { Cancellation } from '../pipeline/cancellation.ts';
import type { Caller } from '../pipeline/contracts/caller.ts';
import type {
  LinkFailureResult,
  ListResult,
  OutboundCall,
  ServerFacts,
  Step,
  UpstreamClient,
} from '../pipeline/contracts/upstream.ts';
import type { JsonObject } from '../protocol/json.ts';
import { type ListKind, listMethods } from '../protocol/methods.ts';
import type { Era } from '../protocol/versions.ts';
import { hideSecrets } from '../secrets/hide.ts';
import type { Credential, CredentialHeaders } from './credentials/contract.ts';
import { operationOf, stepUp } from './credentials/step-up.ts';
import { limited, withoutCredential } from './failures.ts';
import { readList } from './listing.ts';
import { askWithin, ownCall } from './own-call.ts';
import { askHarmless } from './recovery.ts';
import type { Server } from './server.ts';
import { UpstreamSession } from './session.ts';

export class ServerClient implements UpstreamClient {
  readonly server: string;
  readonly hasAccounts: boolean;
  readonly #server: Server;
  readonly #capabilities: JsonObject;
  readonly #bounds: Bounds;
  readonly #credential: Credential | undefined;
  /** The caller that the upstream client serves; `undefined` for the gateway itself. */
  readonly #caller: Caller | undefined;
  readonly #session: UpstreamSession;
  #holders = 0;
  /** Whether the server refuses the credential whatever it is asked, while that is found out. */
  #asking: Promise<boolean> | undefined;

  /** For tiers whose credential cannot go along on the session of the others. */
  readonly #tiers = new Map<OutboundCall['tier'], ServerClient>();
  /** The server binds a session to the credential that began it. */
  #apart = false;

  /** `own`: the credential of everything in this session, in place of the one that the caller has. */
  constructor(server: Server, capabilities: JsonObject, era: Era, bounds: Bounds, caller?: Caller, own?: Credential) {
    this.#server = server;
    this.server = server.name;
    this.#capabilities = capabilities;
    this.#bounds = bounds;
    this.#caller = caller;
    this.hasAccounts = server.credentials?.hasAccounts === true;
    this.#credential = own ?? server.credentials?.session(caller).credential;
    this.#session = new UpstreamSession(server, { capabilities, caller: caller?.key }, era, this.#credential);
  }

  /** Milliseconds since the upstream client was used last; 0 while it is in use. */
  idleFor(now: number): number {
    if (this.#holders > 0) return 0;
    return Math.min(this.#session.idleFor(now), ...[...this.#tiers.values()].map((upstream) => upstream.idleFor(now)));
  }

  /** Key of the caller that it was made for. */
  get caller(): string | undefined {
    return this.#caller?.key;
  }

  /** Of the connection that there is. */
  get era(): Era | undefined {
    return this.#session.connected?.facts.era;
  }

  get hearing(): string | undefined {
    return this.#session.hearing;
  }

  get isUntried(): boolean {
    return this.#server.isUntried;
  }

  /** From its next connection on the upstream client is one of this era. */
  turn(era: Era): void {
    this.#session.prefers = era;
    for (const upstream of this.#tiers.values()) upstream.turn(era);
  }

  /** From now on callers share the upstream client. */
  share(): void {
    this.#session.isOfAll = true;
    for (const upstream of this.#tiers.values()) upstream.share();
  }

  sweep(now: number): void {
    this.#session.sweep(now);
    for (const upstream of this.#tiers.values()) upstream.sweep(now);
  }

  facts(): ServerFacts | Promise<ServerFacts | LinkFailureResult> {
    return this.#session.facts();
  }

  async call(call: OutboundCall): Promise<Step> {
    // What the server has had enough of is the credential that it was shown.
    const credential = this.#ofTier(call) ?? this.#credential;
    const leftMs = this.#server.limitedFor(credential, call.caller);
    if (leftMs > 0) return { kind: 'failed', failure: limited(leftMs) };
    const isBare = this.#credential === undefined && this.#server.credentials?.hasTiers !== true;
    const step = await (isBare ? this.#session.call(call) : this.#callWith(call, true));
    if (step.kind !== 'failed') return step;
    const { failure } = step;
    if ('retryAfterMs' in failure) this.#server.limit(credential, failure.retryAfterMs ?? 0, call.caller);
    return 'said' in failure && failure.said !== undefined ? { kind: 'error', error: failure.said } : step;
  }

  #ofTier({ tier }: OutboundCall): Credential | undefined {
    return tier === undefined ? undefined : this.#server.credentials?.ofTier(this.#caller, tier);
  }

  /** A call with a credential: fetched when need be, made anew once when the server does not accept it. */
  async #callWith(call: OutboundCall, again: boolean): Promise<Step> {
    const special = this.#ofTier(call);
    const credential = special ?? this.#credential;
    if (credential === undefined) return this.#session.call(call);
    const ready = credential.ready();
    const given = ready instanceof Promise ? await ready : ready;
    if (!given.ok) return { kind: 'failed', failure: withoutCredential(given) };
    const { headers } = given;
    // From here on the server may send it back, to any client.
    this.#server.secrets(credential);
    const foreign = special !== undefined && special !== this.#credential;
    // In headers of other names, the credential of this session would go along with the one of the tier.
    if (foreign && (this.#apart || !covers(headers, this.#credential?.current())))
      return this.#linkOf(call, special).call(call);
    const step = await this.#session.call(special === undefined ? call : { ...call, headers });
    if (step.kind === 'result') credential.accepted?.();
    if (step.kind !== 'failed') return step;
    if (isRefusal(step) && again && (await this.#isReplaced(credential, headers, call)))
      return this.#callWith(call, false);
    if (foreign && 'forgotten' in step.failure) {
      // A session that began a moment ago is not known for this credential, so nothing was done: it wants its own.
      this.#apart = true;
      return this.#linkOf(call, special).call(call);
    }
    const prompt = stepUp(credential, step.failure, operationOf(call));
    return prompt === undefined ? step : { kind: 'failed', failure: prompt };
  }

  /**
   * True when asking again gives other headers. A reserve is for all callers, and what made the server refuse this call may be
   * in its arguments: it takes over once the server refuses what the gateway asks for itself as well.
   */
  async #isReplaced(credential: Credential, headers: CredentialHeaders, call: OutboundCall): Promise<boolean> {
    if (credential.refused(headers)) return true;
    if (credential.replace === undefined) return false;
    const isOwn = this.#caller === undefined || ownMethods.has(call.method);
    if (!isOwn) this.#asking ??= this.#isRefused().finally(() => (this.#asking = undefined));
    // Where another call was told so meanwhile, the answer was to the reserve.
    return isOwn || (await this.#asking) ? credential.replace(headers) : credential.refused(headers);
  }

  /** Does the server refuse the credential of this session with a harmless request, and with a list? */
  async #isRefused(): Promise<boolean> {
    const { connected } = this.#session;
    if (connected === undefined) return false;
    const asked = await askHarmless(connected, this.#server);
    if (isRefusal(asked)) return true;
    const kind = (['tools', 'prompts', 'resources'] as const).find((each) => connected.facts.capabilities[each]);
    if (kind === undefined) return false;
    return isRefusal(await askWithin(connected.peer, { method: listMethods[kind] }, this.#server.pingTimeout));
  }

  #linkOf({ tier }: OutboundCall, credential: Credential): ServerClient {
    let upstream = this.#tiers.get(tier);
    if (upstream === undefined) {
      upstream = new ServerClient(
        this.#server,
        this.#capabilities,
        this.#session.prefers,
        this.#bounds,
        this.#caller,
        credential,
      );
      if (this.#session.isOfAll) upstream.share();
      this.#tiers.set(tier, upstream);
    }
    return upstream;
  }

  /** Asks the connection that there is whether it answers, without using it. `undefined` where there is none. */
  ping(): Promise<Step> | undefined {
    const { connected } = this.#session;
    return connected === undefined || connected.peer.isDown ? undefined : askHarmless(connected, this.#server);
  }

  list(kind: ListKind): Promise<ListResult> {
    const capabilities = this.#capabilities;
    return readList(kind, this.#bounds, {
      ask: (method, params) => this.call({ ...ownCall(method, params, new Cancellation()), capabilities }),
      shown: (text) => hideSecrets(text, this.secrets()),
    });
  }

  get connectedFacts(): ServerFacts | undefined {
    return this.#session.connectedFacts;
  }

  /** A list over the connection that there is, which is as idle afterwards as it was. */
  async glance(kind: ListKind, cancellation: Cancellation): Promise<ListResult> {
    const ready = await this.#credential?.ready();
    if (ready?.ok === false) return { ok: false, failure: withoutCredential(ready) };
    return readList(kind, this.#bounds, {
      ask: (method, params) => this.#session.glance(ownCall(method, params, cancellation)),
      shown: (text) => hideSecrets(text, this.secrets()),
    });
  }

  watch(uri: string, listener: () => void): () => void {
    return this.#session.watch(uri, listener);
  }

  onNotification(listener: (method: string, params: JsonObject) => void): () => void {
    return this.#session.onNotification(listener);
  }

  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (held) this.#holders--;
      held = false;
    };
  }

  setLevel(level: string, whose: string): void {
    this.#session.setLevel(level, whose);
    for (const upstream of this.#tiers.values()) upstream.setLevel(level, whose);
  }

  async close(): Promise<void> {
    await Promise.all([this.#session.close(), ...[...this.#tiers.values()].map((upstream) => upstream.close())]);
  }

  secrets(): readonly string[] {
    return this.#server.secrets(this.#credential);
  }
}

/** What no caller has a part in. */
const ownMethods: ReadonlySet<string> = new Set(Object.values(listMethods));

/** 401 comes before anything is done (RFC 9110, 15.5.2), so the call can be made once more. */
function isRefusal(step: Step): boolean {
  return step.kind === 'failed' && 'status' in step.failure && step.failure.status === 401;
}

/** Every header of the one is replaced by the other. */
function covers(headers: CredentialHeaders, others: CredentialHeaders | undefined): boolean {
  return Object.keys(others ?? {}).every((name) => Object.hasOwn(headers, name));
}
