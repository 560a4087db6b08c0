/**
 * Legacy sessions over HTTP. The id is sealed: it holds what the client declared and its caller, so that a
 * session survives a restart, and any replica with the same key can serve it. What is kept here is only what cannot be
 * sealed: open streams, waiting input requests, what is watched.
 */
import { randomUUID } from 'node:crypto';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Endpoint } from '../../pipeline/exchange.ts';
import { type Outcome, pass, refuse } from '../../pipeline/refusal.ts';
import type { ClientClaims } from '../../protocol/decode.ts';
import { asText, isObject } from '../../protocol/json.ts';
import type { Seal } from '../../protocol/seal.ts';
import { isLegacyVersion } from '../../protocol/versions.ts';
import { LegacySession } from '../session.ts';

/** Time after which a client has to initialize again, in milliseconds. */
const lifetimeMs = 7 * 86_400_000;
/** Time after which what is kept of an unused session is forgotten; the session itself goes on. */
const idleMs = 3_600_000;
const maxSessions = 100_000;
/** The part of them that one caller may have, whatever the configuration allows it. */
const shareOfCaller = 0.25;

/** Sessions that were ended and would still open, by caller and by what stands in the seal. */
export interface EndedSessions {
  add(callerKey: string, nonce: string, expires: number): void;
  has(callerKey: string, nonce: string): boolean;
}

export interface MintedSession {
  readonly id: string;
  readonly session: LegacySession;
}

/** Where a client presents a session, and how many its caller may have. */
interface Place {
  readonly endpoint: Endpoint;
  readonly limit: number;
}

interface Kept {
  readonly session: LegacySession;
  /** What stands in the seal: unlike the text of the id, it cannot be written in another way. */
  readonly nonce: string;
  readonly expires: number;
}

export class Sessions {
  readonly #seal: Seal;
  readonly #ended: EndedSessions;
  readonly #max: number;
  readonly #known = new Map<string, Kept>();
  /** The ids of each caller, the one that was not used for longest first. */
  readonly #perCaller = new Map<string, Map<string, Kept>>();

  /** `max`: sessions of all callers of which something is kept. */
  constructor(seal: Seal, ended: EndedSessions, max = maxSessions) {
    this.#seal = seal;
    this.#ended = ended;
    this.#max = max;
  }

  /** `undefined` when the caller has as many sessions as it may have, all of them in use. */
  mint(caller: Caller, claims: ClientClaims, { endpoint, limit }: Place): MintedSession | undefined {
    if (!this.#makeRoom(caller, limit)) return undefined;
    const nonce = randomUUID();
    const expires = Date.now() + lifetimeMs;
    const id = this.#seal.close({
      n: nonce,
      k: caller.key,
      p: endpointText(endpoint),
      v: claims.version,
      c: claims.capabilities,
      ...(claims.info === undefined ? {} : { i: { name: claims.info.name, version: claims.info.version } }),
      e: expires,
    });
    const session = new LegacySession(id, caller, { endpoint, claims });
    this.#keep(id, { session, nonce, expires });
    return { id, session };
  }

  /**
   * The session of an id, for its own caller at its own endpoint; for all others it does not exist. One that is not kept
   * here any more opens again from its seal, and counts as a new one does.
   */
  find(id: string, caller: Caller, { endpoint, limit }: Place): Outcome<LegacySession> {
    const known = this.#known.get(id);
    if (known !== undefined) {
      const { session } = known;
      if (session.caller.key !== caller.key || endpointText(session.endpoint) !== endpointText(endpoint))
        return refuse({ reason: 'session-unknown' });
      session.usedAt = Date.now();
      this.#usedLast(id, known);
      return pass(session);
    }
    const kept = this.#unseal(id, caller, endpoint);
    if (kept === undefined) return refuse({ reason: 'session-unknown' });
    if (!this.#makeRoom(caller, limit)) return refuse({ reason: 'too-many-sessions', limit });
    this.#keep(id, kept);
    return pass(kept.session);
  }

  #unseal(id: string, caller: Caller, endpoint: Endpoint): Kept | undefined {
    const sealed = this.#seal.open(id);
    if (!isObject(sealed) || sealed.k !== caller.key || sealed.p !== endpointText(endpoint)) return undefined;
    if (typeof sealed.e !== 'number' || sealed.e < Date.now()) return undefined;
    if (typeof sealed.v !== 'string' || !isLegacyVersion(sealed.v) || !isObject(sealed.c)) return undefined;
    if (typeof sealed.n !== 'string' || this.#ended.has(caller.key, sealed.n)) return undefined;
    const { i: info } = sealed;
    const claims: ClientClaims = {
      version: sealed.v,
      capabilities: sealed.c,
      ...(isObject(info) ? { info: { name: asText(info.name), version: asText(info.version) } } : {}),
    };
    return { session: new LegacySession(id, caller, { endpoint, claims }), nonce: sealed.n, expires: sealed.e };
  }

  get size(): number {
    return this.#known.size;
  }

  /** Ends a session that its client knows: its id opens nothing from now on. */
  end(id: string): void {
    const kept = this.#known.get(id);
    if (kept === undefined) return;
    this.discard(id);
    this.#ended.add(kept.session.caller.key, kept.nonce, kept.expires);
  }

  /** Forgets what is kept of a session. */
  discard(id: string): void {
    const kept = this.#known.get(id);
    if (kept === undefined) return;
    this.#known.delete(id);
    const { key } = kept.session.caller;
    const own = this.#perCaller.get(key);
    own?.delete(id);
    if (own?.size === 0) this.#perCaller.delete(key);
    kept.session.close();
  }

  /** Forgets what is kept of sessions that were not used for long. */
  sweep(now: number): void {
    for (const [id, { session }] of this.#known)
      if (!session.hasStream && session.active.size === 0 && now - session.usedAt > idleMs) this.discard(id);
  }

  close(): void {
    for (const id of this.#known.keys()) this.discard(id);
  }

  #keep(id: string, kept: Kept): void {
    this.#known.set(id, kept);
    const { key } = kept.session.caller;
    const own = this.#perCaller.get(key) ?? new Map<string, Kept>();
    this.#perCaller.set(key, own.set(id, kept));
  }

  #usedLast(id: string, kept: Kept): void {
    const own = this.#perCaller.get(kept.session.caller.key);
    if (own === undefined || own.size === 1) return;
    own.delete(id);
    own.set(id, kept);
  }

  /** Makes room for one more session of a caller, by forgetting one of its own where there is none left. */
  #makeRoom(caller: Caller, limit: number): boolean {
    const own = this.#perCaller.get(caller.key)?.size ?? 0;
    if (own < Math.min(limit, this.#max * shareOfCaller) && this.#known.size < this.#max) return true;
    return this.#dropIdlest(caller);
  }

  /** False when each session of the caller has something open, or when it has none. */
  #dropIdlest(caller: Caller): boolean {
    for (const [id, { session }] of this.#perCaller.get(caller.key) ?? []) {
      if (session.hasStream || session.active.size > 0) continue;
      this.discard(id);
      return true;
    }
    return false;
  }
}

function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'portal' ? '/mcp' : `/servers/${endpoint.server}/mcp`;
}
