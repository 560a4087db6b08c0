/**
 * SHA-256 in one shot, made for many small inputs: a record takes a dozen of them. What is hashed is put together in one
 * room that stays, and the digest comes as text, which costs a third of what a buffer of its own does (measured: 1.1 us
 * instead of 2.5 for an HMAC of 40 bytes).
 */
import { hash } from 'node:crypto';

const buffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Bytes as text: one character, U+0000 to U+00FF, for each ("latin1"). Takes no memory outside of the heap. */
export type ByteText = string;

export function sha256(data: Uint8Array | string): Buffer {
  return Buffer.from(sha256Text(data), 'latin1');
}

/** The digest as 32 characters. */
export function sha256Text(data: Uint8Array | string): ByteText {
  return hash('sha256', data, 'binary');
}

/** The digest in base64url. */
export function sha256Base64(data: Uint8Array | string): string {
  return hash('sha256', data, 'base64url');
}

/** The parts one after another. Only good until the next call: hash it at once. */
export function together(...parts: readonly (Uint8Array | ByteText)[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const place = length <= buffer.length ? buffer : Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'string') place.write(part, at, 'latin1');
    else place.set(part, at);
    at += part.length;
  }
  return place.subarray(0, length);
}
