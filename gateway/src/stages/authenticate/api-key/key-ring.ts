/**
 * The keys that are valid now, in memory. Follows the store: a key that any process makes works, and one that it revokes
 * stops working, when the ring is told to follow, which the gateway does four times a second. Outlives revisions of the configuration.
 */
import { timingSafeEqual } from 'node:crypto';
import { type Networks, networksOf } from '../../../protocol/networks.ts';
import type { KeyStore, StoredKey } from '../../../stores/contract/keys.ts';
import { isWellFormed, macOf } from './format.ts';

const noteUsesIntervalMs = 5_000;
const maxRemembered = 4_096;

export interface KeyRingOptions {
  readonly store: KeyStore;
  readonly pepper: Buffer;
  readonly now?: () => number;
  /** The store cannot be read at the moment; the keys that were known stay valid. Called once for each outage. */
  readonly onTrouble?: (error: unknown) => void;
}

export type KeyCheck =
  | { readonly ok: true; readonly key: StoredKey }
  | { readonly ok: false; readonly reason: 'malformed' | 'unknown' | 'revoked' | 'expired' }
  /** A valid key, but the address is outside its allowed networks. */
  | { readonly ok: false; readonly reason: 'elsewhere'; readonly id: string };

export class KeyRing {
  readonly #store: KeyStore;
  readonly #pepper: Buffer;
  readonly #now: () => number;
  readonly #onTrouble: (error: unknown) => void;
  readonly #listeners = new Set<(credentialId: string) => void>();
  readonly #makers = new Set<(key: StoredKey) => void>();
  #version = Number.NaN;
  #byMac = new Map<string, StoredKey>();
  /**
   * Keys as presented, once their HMAC was found. A hit needs the whole key, so it proves no less than the HMAC does;
   * V8 seeds its string hashes, so time tells nothing about the others. Emptied whenever any key changes.
   */
  #presented = new Map<string, StoredKey>();
  #byId: ReadonlyMap<string, StoredKey> = new Map();
  /** What restricted keys are restricted to. */
  readonly #networks = new WeakMap<StoredKey, Networks>();
  #uses = new Map<string, number>();
  #usesNotedAt: number;
  #nextExpiry = Number.NEGATIVE_INFINITY;
  /** Listeners have been told of the keys that expired until then. */
  #expiredUntil = 0;
  #troubled = false;

  constructor({ store, pepper, now = Date.now, onTrouble = () => undefined }: KeyRingOptions) {
    this.#store = store;
    this.#pepper = pepper;
    this.#now = now;
    this.#onTrouble = onTrouble;
    this.#usesNotedAt = now();
    this.#reload();
  }

  /**
   * The stored key for a presented one. About a microsecond for a key that was seen before. Without an address a key
   * that is restricted to networks is refused.
   */
  check(presented: string, address?: string): KeyCheck {
    const now = this.#now();
    let key = this.#presented.get(presented) ?? this.#find(presented);
    if (key === 'unknown') {
      // It may have been made a moment ago. Reading the version of the store is cheap, and a new key works at once.
      this.follow();
      key = this.#find(presented);
    }
    if (typeof key === 'string') return { ok: false, reason: key };
    if (key.expiresAt !== undefined && key.expiresAt <= now) return { ok: false, reason: 'expired' };
    if (key.networks !== undefined && !this.#mayComeFrom(key, key.networks, address))
      return { ok: false, reason: 'elsewhere', id: key.id };
    this.#uses.set(key.id, now);
    return { ok: true, key };
  }

  /** The key of an id, while it is neither revoked nor expired nor gone. */
  valid(id: string): StoredKey | undefined {
    const key = this.#byId.get(id);
    if (key === undefined || key.revokedAt !== undefined) return undefined;
    return key.expiresAt !== undefined && key.expiresAt <= this.#now() ? undefined : key;
  }

  #mayComeFrom(key: StoredKey, entries: readonly string[], address: string | undefined): boolean {
    let networks = this.#networks.get(key);
    if (networks === undefined) {
      networks = networksOf(entries);
      this.#networks.set(key, networks);
    }
    return networks(address);
  }

  #find(presented: string): StoredKey | 'malformed' | 'unknown' | 'revoked' {
    if (!isWellFormed(presented)) return 'malformed';
    const mac = macOf(presented, this.#pepper);
    const key = this.#byMac.get(mac);
    if (key === undefined || !timingSafeEqual(Buffer.from(key.mac, 'hex'), Buffer.from(mac, 'hex'))) return 'unknown';
    if (key.revokedAt !== undefined) return 'revoked';
    if (this.#presented.size >= maxRemembered) this.#presented.clear();
    this.#presented.set(presented, key);
    return key;
  }

  /** Calls back with the id of a key as soon as it is revoked or expires. Returns a function that ends this. */
  onRevoked(listener: (credentialId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** All keys that are known now, the revoked and expired ones included. */
  all(): Iterable<StoredKey> {
    return this.#byMac.values();
  }

  /** Calls back with each key that is made from now on. */
  onMade(listener: (key: StoredKey) => void): void {
    this.#makers.add(listener);
  }

  /** Takes over what changed in the store. */
  follow(): void {
    try {
      if (this.#store.version() !== this.#version) this.#reload();
      else this.#expire();
      const now = this.#now();
      if (now - this.#usesNotedAt >= noteUsesIntervalMs) this.#noteUses(now);
      this.#troubled = false;
    } catch (error) {
      if (!this.#troubled) this.#onTrouble(error);
      this.#troubled = true;
    }
  }

  #noteUses(now: number): void {
    this.#usesNotedAt = now;
    const uses = this.#uses;
    this.#uses = new Map();
    this.#store.touch(uses);
  }

  #reload(): void {
    // The version is read first: a change in between is then seen as another one.
    this.#version = this.#store.version();
    const before = this.#byMac;
    const ended: string[] = [];
    this.#byMac = new Map();
    for (const key of this.#store.list()) {
      const known = before.get(key.mac);
      // The same object while nothing changed: callers are remembered by it.
      const same = known?.revokedAt === key.revokedAt && known?.expiresAt === key.expiresAt;
      this.#byMac.set(key.mac, known !== undefined && same ? known : key);
      if (key.revokedAt !== undefined && known !== undefined && known.revokedAt === undefined) ended.push(key.id);
      if (known === undefined) for (const maker of this.#makers) maker(key);
      before.delete(key.mac);
    }
    // What is left was taken out of the store by hand, which ends it as well.
    for (const gone of before.values()) if (gone.revokedAt === undefined) ended.push(gone.id);
    this.#presented.clear();
    this.#byId = new Map([...this.#byMac.values()].map((key) => [key.id, key]));
    this.#nextExpiry = Number.NEGATIVE_INFINITY;
    this.#tell(ended);
    this.#expire();
  }

  /** Tells about keys that expired since the last look. Looks at all of them only when one is due or they changed. */
  #expire(): void {
    const now = this.#now();
    if (now < this.#nextExpiry) return;
    const due: string[] = [];
    this.#nextExpiry = Number.POSITIVE_INFINITY;
    for (const { id, expiresAt, revokedAt } of this.#byMac.values()) {
      if (expiresAt === undefined || revokedAt !== undefined) continue;
      if (expiresAt > now) this.#nextExpiry = Math.min(this.#nextExpiry, expiresAt);
      else if (expiresAt > this.#expiredUntil) due.push(id);
    }
    this.#expiredUntil = now;
    this.#tell(due);
  }

  #tell(ids: readonly string[]): void {
    for (const id of ids) for (const listener of this.#listeners) listener(id);
  }

  close(): void {
    try {
      this.#noteUses(this.#now());
    } finally {
      this.#store.close();
    }
  }
}
