/** Data keys wrapped under a key derived from the master key of this gateway (AES-256-GCM, HKDF). */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyProvider } from '../contract.ts';

/** Said, as a text that is too short would else be taken for one with a shorter tag, which is easier to guess. */
const tag = { authTagLength: 16 };

export function localProvider(masterKey: Buffer): KeyProvider {
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'sallyport secrets', 32));
  return {
    id: 'local',
    async wrap(dataKey, context) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      return Buffer.concat([nonce, cipher.update(dataKey), cipher.final(), cipher.getAuthTag()]).toString('base64');
    },
    async unwrap(wrapped, context) {
      const bytes = Buffer.from(wrapped, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), tag).setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-16));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      } catch {
        throw new Error('it was changed, or keys/master in the data folder is not the key that it was sealed under');
      }
    },
  };
}
