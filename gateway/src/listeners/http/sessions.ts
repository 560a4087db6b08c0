/**
 * Legacy sessions over HTTP. The id is sealed: it holds what the client declared and whom it belongs to, so that a
 * session survives a restart, and any replica with the same key can serve it. What is kept here is only what cannot be
 * sealed: open streams, waiting questions, what is watched.
 */
import { randomUUID } from 'node:crypto';
import type { Caller } from '../../pipeline/caller.ts';
import type { Endpoint } from '../../pipeline/exchange.ts';
import type { ClientClaims } from '../../protocol/decode.ts';
import { asText, isObject, type Json } from '../../protocol/json.ts';
import { isLegacyVersion } from '../../protocol/versions.ts';
import { LegacySession } from '../session.ts';

/** Time after which a client has to initialize again, in milliseconds. */
const lifetime = 7 * 86_400_000;
/** Time after which what is kept of an unused session is forgotten; the session itself goes on. */
const idle = 3_600_000;
const mostSessions = 100_000;

export interface Sealer {
  close(value: Json): string;
  open(text: string): Json | undefined;
}

export interface MintedSession {
  readonly id: string;
  readonly session: LegacySession;
}

export class Sessions {
  readonly #seal: Sealer;
  readonly #known = new Map<string, LegacySession>();
  readonly #perCaller = new Map<string, number>();
  /** Ids that were given up; they would still open. Oldest first. */
  readonly #ended = new Set<string>();

  constructor(seal: Sealer) {
    this.#seal = seal;
  }

  /** `undefined` when the caller has as many sessions as it may have. */
  mint(caller: Caller, endpoint: Endpoint, claims: ClientClaims, limit: number): MintedSession | undefined {
    if ((this.#perCaller.get(caller.key) ?? 0) >= limit && !this.#dropIdlest(caller)) return undefined;
    const id = this.#seal.close({
      n: randomUUID(),
      k: caller.key,
      p: endpointText(endpoint),
      v: claims.version,
      c: claims.capabilities,
      ...(claims.info === undefined ? {} : { i: { name: claims.info.name, version: claims.info.version } }),
      e: Date.now() + lifetime,
    });
    const session = new LegacySession(id, caller, endpoint, claims);
    this.#keep(id, session);
    return { id, session };
  }

  /** The session of an id, for its own caller at its own endpoint; for everybody else it does not exist. */
  find(id: string, caller: Caller, endpoint: Endpoint): LegacySession | undefined {
    const known = this.#known.get(id);
    if (known !== undefined) {
      if (known.caller.key !== caller.key || endpointText(known.endpoint) !== endpointText(endpoint)) return undefined;
      known.usedAt = Date.now();
      return known;
    }
    if (this.#ended.has(id)) return undefined;
    const sealed = this.#seal.open(id);
    if (!isObject(sealed) || sealed.k !== caller.key || sealed.p !== endpointText(endpoint)) return undefined;
    if (typeof sealed.e !== 'number' || sealed.e < Date.now()) return undefined;
    if (typeof sealed.v !== 'string' || !isLegacyVersion(sealed.v) || !isObject(sealed.c)) return undefined;
    const { i: info } = sealed;
    const claims: ClientClaims = {
      version: sealed.v,
      capabilities: sealed.c,
      ...(isObject(info) ? { info: { name: asText(info.name), version: asText(info.version) } } : {}),
    };
    const session = new LegacySession(id, caller, endpoint, claims);
    this.#keep(id, session);
    return session;
  }

  get size(): number {
    return this.#known.size;
  }

  end(id: string): void {
    this.#forget(id);
    this.#ended.add(id);
    if (this.#ended.size > mostSessions) this.#ended.delete(this.#ended.values().next().value ?? '');
  }

  /** Forgets what is kept of sessions that nobody used for long. */
  sweep(now: number): void {
    for (const [id, session] of this.#known)
      if (!session.hasStream && session.active.size === 0 && now - session.usedAt > idle) this.#forget(id);
  }

  close(): void {
    for (const id of this.#known.keys()) this.#forget(id);
  }

  #keep(id: string, session: LegacySession): void {
    if (this.#known.size >= mostSessions) this.#forget(this.#known.keys().next().value ?? '');
    this.#known.set(id, session);
    const { key } = session.caller;
    this.#perCaller.set(key, (this.#perCaller.get(key) ?? 0) + 1);
  }

  #forget(id: string): void {
    const session = this.#known.get(id);
    if (session === undefined) return;
    this.#known.delete(id);
    const { key } = session.caller;
    const left = (this.#perCaller.get(key) ?? 1) - 1;
    if (left > 0) this.#perCaller.set(key, left);
    else this.#perCaller.delete(key);
    session.close();
  }

  /** Makes room for one more session of a caller, if one of its sessions has nothing open. */
  #dropIdlest(caller: Caller): boolean {
    for (const [id, session] of this.#known) {
      if (session.caller.key !== caller.key || session.hasStream || session.active.size > 0) continue;
      this.#forget(id);
      return true;
    }
    return false;
  }
}

function endpointText(endpoint: Endpoint): string {
  return endpoint.kind === 'portal' ? '/mcp' : `/servers/${endpoint.server}/mcp`;
}
