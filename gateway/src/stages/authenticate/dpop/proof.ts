/** Proof of possession: DPoP (RFC 9449), with the digest of the body that the MCP extension draft adds. */
import { hash, timingSafeEqual } from 'node:crypto';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint';
import { compactVerify } from 'jose/jws/compact/verify';
import { importJWK } from 'jose/key/import';
import { isObject, parseJsonText } from '../../../protocol/json.ts';
import { MemoryRegistry } from '../../../state/memory/registry.ts';

export const proofAlgorithms: readonly string[] = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'];
/** "MUST accept … a few minutes" of difference between clocks: milliseconds to both sides. */
const windowMs = 300_000;
/** Proofs that are remembered: of all keys, and of one, which may not keep the others from proving anything. */
export const maxProofs = 100_000;
export const maxProofsOfKey = 10_000;
const maxProofLength = 8_192;

export interface Proven {
  readonly proof: string | undefined;
  readonly token: string;
  /** The thumbprint that the token is bound to. */
  readonly thumbprint: string;
  readonly method: string;
  readonly url: string;
  /** Read only when everything else is proved. */
  readonly body: (() => Promise<Buffer | 'too-large' | 'too-many'>) | undefined;
  readonly digestRequired: boolean;
}

/** Proofs that were used, until they are too old to be accepted anyway. When it is full, nothing new is accepted. */
export class UsedProofs {
  readonly #used = new MemoryRegistry<true>({
    maxEntries: maxProofs,
    maxOfOwner: maxProofsOfKey,
    // A proof is accepted for a whole window on either side of now, both ends included.
    lifetimeMs: 2 * windowMs + 1,
    whenFull: 'refuse',
  });

  /** Proofs that are remembered. */
  get size(): number {
    return this.#used.size(Date.now());
  }

  /** False when the proof was used before, or when there is no room to remember it. */
  use(thumbprint: string, id: string, now: number): boolean {
    return this.#used.put({ key: `${thumbprint} ${id}`, owner: thumbprint, value: true }, now, 'absent').ok;
  }
}

/** Nothing is wrong with the proof as far as it was looked at. */
export const noRoom = 'its caller sends too many long bodies at once';
export const tooLarge = 'the body is too large';

/** Why the proof is not one; `undefined` when it is. */
export async function proofProblem(asked: Proven, used: UsedProofs, now: number): Promise<string | undefined> {
  const { proof, token, thumbprint, method, url, body, digestRequired } = asked;
  if (proof === undefined || proof.length > maxProofLength) return 'no proof';
  try {
    const header = decodeProtectedHeader(proof);
    const { alg, typ, jwk } = header;
    if (typ !== 'dpop+jwt') return 'typ is not dpop+jwt';
    if (alg === undefined || !proofAlgorithms.includes(alg)) return 'the algorithm is not accepted';
    if (!isObject(jwk) || 'd' in jwk || 'k' in jwk) return 'the key is not a public key';
    const key = await importJWK(jwk, alg);
    if (key instanceof Uint8Array) return 'the key is not a public key';
    if (!equal(await calculateJwkThumbprint(jwk, 'sha256'), thumbprint)) return 'the key is another one';
    const { payload } = await compactVerify(proof, key, { algorithms: [alg] });
    const parsed = parseJsonText(Buffer.from(payload).toString('utf8'), { depth: 4, looseText: true });
    if (!parsed.ok || !isObject(parsed.value)) return 'the claims are no object';
    const { htm, htu, iat, jti, ath, content_digest: digest } = parsed.value;
    if (htm !== method) return 'htm is another method';
    if (typeof htu !== 'string' || !URL.canParse(htu) || plain(htu) !== plain(url)) return 'htu is another URL';
    if (typeof iat !== 'number' || Math.abs(now - iat * 1_000) > windowMs) return 'iat is too far away';
    if (typeof ath !== 'string' || !equal(ath, hash('sha256', token, 'base64url'))) return 'ath is another token';
    if (typeof jti !== 'string' || jti.length === 0 || jti.length > 256) return 'jti is missing';
    const read = digest === undefined ? undefined : await body?.();
    if (read === 'too-many') return noRoom;
    if (read === 'too-large') return tooLarge;
    if (digest === undefined ? digestRequired : !digestFits(digest, read))
      return 'content_digest does not fit the body';
    return used.use(thumbprint, jti, now) ? undefined : 'the proof was used before';
  } catch {
    return 'the proof cannot be read';
  }
}

/** RFC 9530: `sha-256=:…:` over the bytes as they came. */
function digestFits(digest: unknown, body: Buffer | undefined): boolean {
  const expected = `sha-256=:${hash('sha256', body ?? Buffer.alloc(0), 'base64')}:`;
  return typeof digest === 'string' && equal(digest, expected);
}

/** Without query and fragment, and normalised (RFC 9449, 4.3). */
function plain(text: string): string {
  const url = new URL(text);
  return url.origin + url.pathname;
}

export function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
