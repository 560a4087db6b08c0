/**
 * The public keys of one issuer: fetched when needed, kept for a while, read again when a token names a key that is not
 * there. However many such tokens come, the issuer is asked once in half a minute; one that does not answer is asked
 * again soon at first, then ever more seldom.
 */
import type { CryptoKey, JWK } from 'jose';
import { importJWK } from 'jose/key/import';
import type { Fetch } from '../../../egress/fetch.ts';
import { discover } from '../../../oauth/discovery.ts';
import { isObject, type Json, parseJsonText } from '../../../protocol/json.ts';
import { messageOf } from '../../../protocol/result.ts';
import { readRegular } from '../../../stores/regular-file.ts';
import { inBackground } from '../../../telemetry/background.ts';
import type { IssuerConfig } from './options.ts';

/** Milliseconds between two fetches that tokens with unknown keys can cause. */
export const refetchPauseMs = 30_000;
/** Milliseconds until an issuer that did not answer is asked again; doubled each time, up to the longest. */
export const firstRetryMs = 250;
export const maxRetryMs = refetchPauseMs;
/** Keys older than this are read again, while the ones that are known go on to count. */
const freshMs = 300_000;
/** Keys that could not be read again for so long count no more. */
const staleMs = 3_600_000;
/** Keys of a set that are looked at, and keys that are tried for a token that names none. */
const maxKeys = 64;
const maxTried = 4;
/** Of a file: bytes, as of an answer, and milliseconds, as what holds it may hang. */
const maxFileBytes = 1024 ** 2;
const maxFileMs = 5_000;

export type Keys =
  | { readonly ok: true; readonly keys: readonly CryptoKey[] }
  /** `unknown`: the issuer has no such key. `unreachable`: it did not answer, so that is not known. */
  | { readonly ok: false; readonly reason: 'unknown' | 'unreachable'; readonly problem: string };

export interface KeyLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

type KeySource = Pick<IssuerConfig, 'issuer' | 'keys'>;

export class IssuerKeys {
  readonly #source: KeySource;
  readonly #fetch: Fetch;
  readonly #now: () => number;
  readonly #log: KeyLog;
  #set: readonly JWK[] | undefined;
  /** By key, then by algorithm: a key is imported for one. */
  readonly #imported = new WeakMap<JWK, Map<string, Promise<CryptoKey | undefined>>>();
  #readAt = Number.NEGATIVE_INFINITY;
  /** When a key that is not there may cause a fetch again. */
  #refetchAt = Number.NEGATIVE_INFINITY;
  /** After failures: when the next attempt may be made, and how long to wait should it fail as well. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #retryPause = firstRetryMs;
  #reading: Promise<void> | undefined;
  /** Why the last attempt failed; `undefined` when it did not. */
  #problem: string | undefined;

  constructor(source: KeySource, fetch: Fetch, log: KeyLog, now: () => number = () => performance.now()) {
    this.#source = source;
    this.#fetch = fetch;
    this.#now = now;
    this.#log = log;
  }

  /** The keys that could have signed a token with this header. */
  async find(alg: string, kid: string | undefined): Promise<Keys> {
    const now = this.#now();
    const age = now - this.#readAt;
    if (age > staleMs) this.#set = undefined;
    if (this.#set === undefined) await this.#read();
    else if (age > freshMs) inBackground('read keys', this.#read());
    let found = this.#matching(alg, kid);
    // Keys that were read after the token had come are not read again for it.
    if (found.length === 0 && this.#set !== undefined && this.#readAt < now && this.#now() >= this.#refetchAt) {
      await this.#read();
      // Only an answer opens the pause: a failure has its own, which is shorter.
      if (this.#problem === undefined) this.#refetchAt = this.#now() + refetchPauseMs;
      found = this.#matching(alg, kid);
    }
    // The issuer did not answer, so whether it has such a key is not known.
    if (this.#set === undefined || (found.length === 0 && this.#problem !== undefined))
      return { ok: false, reason: 'unreachable', problem: this.#problem ?? 'the keys of the issuer are too old' };
    if (found.length === 0) return { ok: false, reason: 'unknown', problem: 'the issuer has no such key' };
    const keys = await Promise.all(found.map((jwk) => this.#import(jwk, alg)));
    return { ok: true, keys: keys.filter((key) => key !== undefined) };
  }

  #matching(alg: string, kid: string | undefined): readonly JWK[] {
    const fitting = (this.#set ?? []).filter(
      (jwk) => (kid === undefined || jwk.kid === kid) && (jwk.alg === undefined || jwk.alg === alg) && fits(jwk, alg),
    );
    return fitting.slice(0, maxTried);
  }

  #import(jwk: JWK, alg: string): Promise<CryptoKey | undefined> {
    const known = this.#imported.get(jwk) ?? new Map<string, Promise<CryptoKey | undefined>>();
    this.#imported.set(jwk, known);
    const key = known.get(alg) ?? publicKeyOf(jwk, alg);
    known.set(alg, key);
    return key;
  }

  /** One reading at a time, and none while the last one has failed just now. */
  #read(): Promise<void> {
    if (this.#reading !== undefined) return this.#reading;
    if (this.#now() < this.#retryAt) return Promise.resolve();
    this.#reading = this.#load()
      .then((keys) => {
        this.#set = keys;
        this.#readAt = this.#now();
        this.#problem = undefined;
        this.#retryPause = firstRetryMs;
      })
      .catch((error: unknown) => {
        this.#problem = messageOf(error);
        this.#retryAt = this.#now() + this.#retryPause;
        this.#retryPause = Math.min(this.#retryPause * 2, maxRetryMs);
        this.#log.warn({ issuer: this.#source.issuer, problem: this.#problem }, 'keys of an issuer cannot be read');
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #load(): Promise<readonly JWK[]> {
    const { keys, issuer } = this.#source;
    if (keys === 'discover') {
      const found = await discover({ issuer, operator: true }, this.#fetch);
      if (!found.ok) throw new Error(found.problem);
      const uri = found.metadata.url('jwks_uri');
      if (uri === undefined) throw new Error('the metadata of the issuer names no jwks_uri');
      return this.#get(uri.url, uri.operator);
    }
    if ('url' in keys) return this.#get(keys.url, true);
    const read = await readRegular(keys.file, maxFileBytes, maxFileMs);
    if (!read.ok) throw new Error(`${keys.file} cannot be read: ${read.problem}`);
    return keysOf(read.bytes.toString('utf8'));
  }

  async #get(url: string, operator: boolean): Promise<readonly JWK[]> {
    const answer = await this.#fetch(url, {
      operator,
      headers: { accept: 'application/jwk-set+json, application/json' },
    });
    if (!answer.ok) throw new Error(answer.problem);
    if (answer.status !== 200) throw new Error(`${url} answers ${answer.status}`);
    return keysOf(answer.text);
  }
}

function keysOf(text: string): readonly JWK[] {
  const set = parseJsonText(text, { depth: 16 });
  const keys = set.ok && isObject(set.value) ? set.value.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('not a JWK set');
  const usable = (keys as readonly Json[]).filter(isPublicKey);
  if (usable.length === 0) throw new Error('the JWK set has no public key for signatures');
  return usable.slice(0, maxKeys) as readonly JWK[];
}

/** Refuses symmetric keys: one in a public key set would let every reader of the set sign with HMAC. */
function isPublicKey(key: Json): boolean {
  if (!isObject(key) || typeof key.kty !== 'string' || !['RSA', 'EC', 'OKP'].includes(key.kty) || key.d !== undefined)
    return false;
  if (key.use !== undefined && key.use !== 'sig') return false;
  return !Array.isArray(key.key_ops) || (key.key_ops as readonly Json[]).includes('verify');
}

/** "A key of size 2048 bits or larger MUST be used" (RFC 7518, 3.3). */
const minRsaBits = 2_048;

/** `undefined` for a key that must not be used. */
export async function publicKeyOf(jwk: JWK, alg: string): Promise<CryptoKey | undefined> {
  try {
    const key = await importJWK(jwk, alg);
    if (key instanceof Uint8Array || key.type !== 'public') return undefined;
    const { modulusLength } = key.algorithm as { modulusLength?: number };
    return modulusLength !== undefined && modulusLength < minRsaBits ? undefined : key;
  } catch {
    // A key that cannot be read is one that verifies nothing.
    return undefined;
  }
}

function fits(jwk: JWK, alg: string): boolean {
  if (alg.startsWith('RS') || alg.startsWith('PS')) return jwk.kty === 'RSA';
  if (alg.startsWith('ES'))
    return jwk.kty === 'EC' && jwk.crv === { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[alg];
  return jwk.kty === 'OKP' && jwk.crv === 'Ed25519';
}
