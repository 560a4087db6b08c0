/** Checksums that vendors publish for their tokens. */
import { crc32 } from 'node:zlib';

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function inBase62(value: number, length: number): string {
  let out = '';
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) out = (base62[rest % 62] ?? '') + out;
  return out.padStart(length, '0');
}

/**
 * GitHub and npm: the last six characters are the CRC-32 of the random part before them, in base 62.
 * https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
export function endsWithCrc32(token: string): boolean {
  const body = token.slice(token.lastIndexOf('_') + 1);
  return body.slice(-6) === inBase62(crc32(body.slice(0, -6)), 6);
}

const bech32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** BIP 173, for identities of age: the checksum covers the part before the last `1` as well. */
export function isBech32(token: string): boolean {
  const text = token.toLowerCase();
  const split = text.lastIndexOf('1');
  const values = Array.from(text.slice(split + 1), (sign) => bech32.indexOf(sign));
  if (values.includes(-1)) return false;
  const codes = Array.from(text.slice(0, split), (sign) => sign.charCodeAt(0));
  let check = 1;
  for (const value of [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...values]) {
    const top = check >>> 25;
    check = ((check & 0x1ff_ffff) << 5) ^ value;
    for (const [bit, polynomial] of generator.entries()) if (((top >> bit) & 1) === 1) check ^= polynomial;
  }
  return check === 1;
}
