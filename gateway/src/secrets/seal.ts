/**
 * Text that only this gateway can read or change: AES-256-GCM under a key derived once by HKDF (RFC 5869)
 * for each purpose. What is sealed for one purpose opens for no other.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { readOwnJson } from '../protocol/json.ts';
import type { Seal } from '../protocol/seal.ts';

const nonceLength = 12;
const tagLength = 16;
const maxSealedLength = 16_384;

/** A key for one purpose, by HKDF (RFC 5869). `length` in bytes. */
export function derivedKey(master: Buffer, purpose: string, length = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `sallyport ${purpose}`, length));
}

/** `master`: 32 secret bytes. `purpose` names what is sealed, such as `session`. `maxLength`: of what is opened, in characters. */
export function createSeal(master: Buffer, purpose: string, maxLength = maxSealedLength): Seal {
  // Node takes several times as long for a key that it has to prepare each time.
  const key = createSecretKey(derivedKey(master, purpose));
  const aad = Buffer.from(purpose);
  return {
    close(value) {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(text) {
      if (text.length > maxLength) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      // One spelling only: text that differs from what was handed out is not ours.
      if (bytes.length <= nonceLength + tagLength || bytes.toString('base64url') !== text) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength)).setAAD(aad);
        decipher.setAuthTag(bytes.subarray(bytes.length - tagLength));
        const body = bytes.subarray(nonceLength, bytes.length - tagLength);
        return readOwnJson(Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8'));
      } catch {
        return undefined;
      }
    },
  };
}
