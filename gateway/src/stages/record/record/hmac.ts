/**
 * HMAC-SHA-256 (RFC 2104) for keys that are used once or a few times. Two one-shot hashes are several times faster than
 * an HMAC object with a key of its own, and the log makes some for every record.
 */
import { type ByteText, sha256Base64, sha256Text, together } from '../hash.ts';

const blockSize = 64;

/** A key of at most 64 bytes, ready for use. */
export interface HmacKey {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

export function hmacKey(key: Uint8Array): HmacKey {
  return fill({ inner: Buffer.alloc(blockSize), outer: Buffer.alloc(blockSize) }, Buffer.from(key).toString('latin1'));
}

const passing: HmacKey = { inner: Buffer.alloc(blockSize), outer: Buffer.alloc(blockSize) };

/** A key for one use: good until the next call. */
export function passingKey(key: ByteText): HmacKey {
  return fill(passing, key);
}

function fill(buffer: HmacKey, key: ByteText): HmacKey {
  if (key.length > blockSize) throw new RangeError('the key is longer than a block');
  for (let index = 0; index < blockSize; index++) {
    const byte = index < key.length ? key.charCodeAt(index) : 0;
    buffer.inner[index] = byte ^ 0x36;
    buffer.outer[index] = byte ^ 0x5c;
  }
  return buffer;
}

export function hmacText({ inner, outer }: HmacKey, data: Uint8Array | ByteText): ByteText {
  return sha256Text(together(outer, sha256Text(together(inner, data))));
}

export function hmacBase64({ inner, outer }: HmacKey, data: Uint8Array | ByteText): string {
  return sha256Base64(together(outer, sha256Text(together(inner, data))));
}
