/**
 * Where the key that wraps all others is kept. A KMS or Vault is one more implementation: it is asked once at each
 * start, for one key, so it may be slow and it may be far away.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface KeyService {
  readonly name: string;
  /** `context` is bound to the result: unwrapping with another one fails. */
  wrap(key: Buffer, context: string): Promise<Buffer>;
  unwrap(wrapped: Buffer, context: string): Promise<Buffer>;
}

/** The master key of this gateway. */
export function localKeyService(master: Buffer): KeyService {
  const key = Buffer.from(hkdfSync('sha256', master, '', 'sallyport audit key service', 32));
  return {
    name: 'local',
    wrap: (plain, context) => Promise.resolve(wrapKey(key, plain, context)),
    unwrap: async (wrapped, context) => {
      const plain = unwrapKey(key, wrapped, context);
      if (plain === undefined) throw new Error('the master key does not open it');
      return plain;
    },
  };
}

/** AES-256-GCM: nonce, ciphertext, tag. */
export function wrapKey(key: Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

export function unwrapKey(key: Buffer, wrapped: Buffer, context: string): Buffer | undefined {
  if (wrapped.length < 28) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12)).setAAD(Buffer.from(context));
    decipher.setAuthTag(wrapped.subarray(wrapped.length - 16));
    return Buffer.concat([decipher.update(wrapped.subarray(12, wrapped.length - 16)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The key that wraps the keys of subjects: made once, kept wrapped beside the log. */
export async function openWrappingKey(path: string, service: KeyService, context: string): Promise<Buffer> {
  if (existsSync(path)) return service.unwrap(readFileSync(path), context);
  const key = randomBytes(32);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, await service.wrap(key, context), { mode: 0o600, flag: 'wx', flush: true });
  return key;
}
