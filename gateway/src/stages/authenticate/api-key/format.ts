/**
 * The text of an API key: `sp_`, 256 random bits in 43 characters of base 62, and 6 characters of checksum. The prefix
 * lets scanners find leaked keys, the checksum lets both them and us tell a key from a typing error without a look-up.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretLength = 43;
const checksumLength = 6;

export const keyPrefix = 'sp_';

export function generateKey(): string {
  const secret = base62(BigInt(`0x${randomBytes(32).toString('hex')}`), secretLength);
  return keyPrefix + secret + checksum(secret);
}

/** A public name for a key; says nothing about it. */
export function generateKeyId(): string {
  return `key_${base62(BigInt(`0x${randomBytes(9).toString('hex')}`), 13)}`;
}

export function isWellFormed(key: string): boolean {
  if (!/^sp_[0-9A-Za-z]{49}$/.test(key)) return false;
  const secret = key.slice(keyPrefix.length, keyPrefix.length + secretLength);
  return key.endsWith(checksum(secret));
}

/** What is stored of a key, in hex. */
export function macOf(key: string, pepper: Buffer): string {
  return createHmac('sha256', pepper).update(key).digest('hex');
}

function checksum(secret: string): string {
  return base62(BigInt(crc32(keyPrefix + secret)), checksumLength);
}

function base62(value: bigint, length: number): string {
  let text = '';
  for (let left = value; text.length < length; left /= 62n) text = (alphabet[Number(left % 62n)] ?? '') + text;
  return text;
}
