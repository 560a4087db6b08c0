/**
 * Signatures of JWS (RFC 7515) in compact form, at once and on this thread: the detour over a pool of threads costs
 * twice the CPU of the signature itself.
 */
import { constants, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';

interface Scheme {
  readonly digest: string | null;
  readonly padding?: number;
  readonly saltLength?: number;
  /** Bytes of each of the two numbers of an ECDSA signature (RFC 7518, 3.4). */
  readonly ecdsa?: number;
}

const rsa = { padding: constants.RSA_PKCS1_PADDING };
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/** RFC 7518, 3.1, and RFC 8037. What does not stand here cannot be verified, and `none` and HMAC do not. */
const schemes: Readonly<Record<string, Scheme>> = {
  RS256: { digest: 'sha256', ...rsa },
  RS384: { digest: 'sha384', ...rsa },
  RS512: { digest: 'sha512', ...rsa },
  PS256: { digest: 'sha256', ...pss },
  PS384: { digest: 'sha384', ...pss },
  PS512: { digest: 'sha512', ...pss },
  ES256: { digest: 'sha256', ecdsa: 32 },
  ES384: { digest: 'sha384', ecdsa: 48 },
  ES512: { digest: 'sha512', ecdsa: 66 },
  EdDSA: { digest: null },
  Ed25519: { digest: null },
};

const minRsaBits = 2_048;

/** `undefined` for a key that must not be used. */
export function publicKeyOf(jwk: object): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    // "A key of size 2048 bits or larger MUST be used" (RFC 7518, 3.3).
    const { modulusLength } = key.asymmetricKeyDetails ?? {};
    return modulusLength !== undefined && modulusLength < minRsaBits ? undefined : key;
  } catch {
    return undefined;
  }
}

/** `token` has three parts. The caller has checked that `alg` is one that it accepts, and that the key is of its kind. */
export function signatureFits(token: string, alg: string, key: KeyObject): boolean {
  const scheme = Object.hasOwn(schemes, alg) ? schemes[alg] : undefined;
  if (scheme === undefined) return false;
  const { digest, ecdsa, ...options } = scheme;
  const dot = token.lastIndexOf('.');
  const text = token.slice(dot + 1);
  const signature = Buffer.from(text, 'base64url');
  // One spelling only: a token that differs in its letters is another token.
  if (signature.toString('base64url') !== text) return false;
  const encoded = ecdsa === undefined ? signature : derOf(signature, ecdsa);
  if (encoded === undefined) return false;
  try {
    return verify(digest, Buffer.from(token.slice(0, dot), 'latin1'), { key, ...options }, encoded);
  } catch {
    return false;
  }
}

/**
 * Two numbers of `size` bytes as the sequence of integers that X.509 has for them. OpenSSL reads both spellings, and this
 * one 30 us faster (`scripts/measure-authn.ts`). `undefined` for a signature of another length.
 */
function derOf(signature: Buffer, size: number): Buffer | undefined {
  if (signature.length !== 2 * size) return undefined;
  const numbers = [integer(signature.subarray(0, size)), integer(signature.subarray(size))];
  const length = numbers.reduce((sum, { length: bytes }) => sum + bytes, 0);
  // Lengths from 128 take a byte that says so: that of two numbers of 66 bytes.
  return Buffer.concat([Buffer.from(length < 128 ? [0x30, length] : [0x30, 0x81, length]), ...numbers]);
}

/** An integer without needless zeros, and with one where the first bit would be taken for a sign. */
function integer(bytes: Buffer): Buffer {
  let first = 0;
  while (first < bytes.length - 1 && bytes[first] === 0) first++;
  const digits = bytes.subarray(first);
  const sign = (digits[0] ?? 0) >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.from([0x02, digits.length + sign.length, ...sign]), digits]);
}
