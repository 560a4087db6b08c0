/**
 * SHA-256 in one shot, made for many small inputs: a record takes a dozen of them. What is hashed is put together in one
 * room that stays, and the digest comes as text, which costs a third of what a buffer of its own does (measured: 1.1 us
 * instead of 2.5 for an HMAC of 40 bytes).
 */
import { hash } from 'node:crypto';

const room = Buffer.allocUnsafeSlow(64 * 1024);

export function sha256(data: Uint8Array | string): Buffer {
  return Buffer.from(hash('sha256', data, 'binary'), 'latin1');
}

export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** The parts one after another. Only good until the next call: hash it at once. */
export function together(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const place = length <= room.length ? room : Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    place.set(part, at);
    at += part.length;
  }
  return place.subarray(0, length);
}
