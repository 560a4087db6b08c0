/** Where API keys are kept. A store knows their HMAC and their callers, never the keys. */

/** Times in milliseconds since the epoch. At least one of user, agent and application is present. */
export interface StoredKey {
  /** Public name of the key, such as `key_4fGh…`. */
  readonly id: string;
  /** HMAC-SHA-256 of the whole key, in hex. */
  readonly mac: string;
  /** A note for people. */
  readonly name?: string;
  readonly user?: string;
  readonly agent?: string;
  readonly application?: string;
  /** Networks that it may be used from, such as `10.0.0.0/8`; absent: from everywhere. */
  readonly networks?: readonly string[];
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly lastUsedAt?: number;
}

export interface KeyStore {
  /** All keys, revoked ones included, oldest first. */
  list(): readonly StoredKey[];
  /** The id and the HMAC must be new. */
  add(key: StoredKey): void;
  /** False when there is no such key or it is revoked already. */
  revoke(id: string, at: number): boolean;
  /** Gives a key an end, unless it has an earlier one. False when there is no such key or it is revoked already. */
  expire(id: string, at: number): boolean;
  /** Notes when keys were last used. Does not count as a change. */
  touch(uses: ReadonlyMap<string, number>): void;
  /** A number that differs after each change of keys, by this process or another one. Cheap: asked several times a second. */
  version(): number;
  close(): void;
}
