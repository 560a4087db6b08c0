/**
 * Signatures of JWS (RFC 7515) in compact form, at once and on this thread: the detour over a pool of threads costs
 * twice the CPU of the signature itself.
 */
import { constants, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

interface Scheme {
  readonly digest: string | null;
  readonly padding?: number;
  readonly saltLength?: number;
  readonly dsaEncoding?: 'ieee-p1363';
}

const rsa = { padding: constants.RSA_PKCS1_PADDING };
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const ecdsa = { dsaEncoding: 'ieee-p1363' } as const;

/** RFC 7518, 3.1, and RFC 8037. What does not stand here cannot be verified, and `none` and HMAC do not. */
const schemes: Readonly<Record<string, Scheme>> = {
  RS256: { digest: 'sha256', ...rsa },
  RS384: { digest: 'sha384', ...rsa },
  RS512: { digest: 'sha512', ...rsa },
  PS256: { digest: 'sha256', ...pss },
  PS384: { digest: 'sha384', ...pss },
  PS512: { digest: 'sha512', ...pss },
  ES256: { digest: 'sha256', ...ecdsa },
  ES384: { digest: 'sha384', ...ecdsa },
  ES512: { digest: 'sha512', ...ecdsa },
  EdDSA: { digest: null },
  Ed25519: { digest: null },
};

const shortestRsa = 2_048;

/** `undefined` for a key that must not be used. */
export function publicKeyOf(jwk: object): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    // "A key of size 2048 bits or larger MUST be used" (RFC 7518, 3.3).
    const { modulusLength } = key.asymmetricKeyDetails ?? {};
    return modulusLength !== undefined && modulusLength < shortestRsa ? undefined : key;
  } catch {
    return undefined;
  }
}

/** `token` has three parts. The caller has checked that `alg` is one that it accepts, and that the key is of its kind. */
export function signatureFits(token: string, alg: string, key: KeyObject): boolean {
  const scheme = Object.hasOwn(schemes, alg) ? schemes[alg] : undefined;
  if (scheme === undefined) return false;
  const { digest, ...options } = scheme;
  const dot = token.lastIndexOf('.');
  const text = token.slice(dot + 1);
  const signature = Buffer.from(text, 'base64url');
  // One spelling only: a token that differs in its letters is another token.
  if (signature.toString('base64url') !== text) return false;
  try {
    return verify(digest, Buffer.from(token.slice(0, dot), 'latin1'), { key, ...options }, signature);
  } catch {
    return false;
  }
}
