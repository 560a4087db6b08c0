/**
 * HMAC-SHA-256 (RFC 2104) for keys that are used once or a few times. Two one-shot hashes are several times faster than
 * an HMAC object with a key of its own, and the log makes some for every record.
 */
import { sha256, sha256Hex, together } from '../hash.ts';

const blockSize = 64;

/** A key of at most 64 bytes, ready for use. */
export interface HmacKey {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

export function hmacKey(key: Buffer): HmacKey {
  if (key.length > blockSize) throw new RangeError('the key is longer than a block');
  const inner = Buffer.alloc(blockSize, 0x36);
  const outer = Buffer.alloc(blockSize, 0x5c);
  for (const [index, byte] of key.entries()) {
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  return { inner, outer };
}

export function hmac({ inner, outer }: HmacKey, data: Uint8Array): Buffer {
  return sha256(together(outer, sha256(together(inner, data))));
}

export function hmacHex({ inner, outer }: HmacKey, data: Uint8Array): string {
  return sha256Hex(together(outer, sha256(together(inner, data))));
}
