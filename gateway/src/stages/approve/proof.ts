/**
 * The proof that a person approved exactly one call: an assertion of a passkey (WebAuthn Level 3, 7.2) whose challenge is
 * made of the approval. It goes into the record, where `sallyport-verify` checks it without the gateway.
 */
import { createHash } from 'node:crypto';

/** Everything in base64url. */
export interface PasskeyProof {
  readonly kind: 'passkey';
  readonly credential: string;
  /** SubjectPublicKeyInfo (DER). */
  readonly publicKey: string;
  readonly authenticatorData: string;
  readonly clientData: string;
  readonly signature: string;
}

/**
 * 32 bytes: SHA-256 of verdict, id and digest. The id keeps the assertion from counting for the same call when that is
 * made again, and the verdict from counting for the opposite.
 */
export function challengeOf(verdict: 'approve' | 'reject', id: string, digest: string): Buffer {
  return createHash('sha256').update(`sallyport approval v1\n${verdict}\n${id}\n${digest}\n`).digest();
}
