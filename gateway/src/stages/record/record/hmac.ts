/**
 * HMAC-SHA-256 (RFC 2104), which records before version 3 are made of. Two one-shot hashes are several times faster than
 * an HMAC object with a key of its own.
 */
import { type ByteText, sha256Text, together } from '../hash.ts';

const blockSize = 64;

/** A key of at most 64 bytes, ready for use. */
export interface HmacKey {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

export function hmacKey(key: Uint8Array): HmacKey {
  if (key.length > blockSize) throw new RangeError('the key is longer than a block');
  const block = Buffer.alloc(blockSize);
  block.set(key);
  return { inner: block.map((byte) => byte ^ 0x36) as Buffer, outer: block.map((byte) => byte ^ 0x5c) as Buffer };
}

export function hmacText({ inner, outer }: HmacKey, data: Uint8Array | ByteText): ByteText {
  return sha256Text(together(outer, sha256Text(together(inner, data))));
}
