/**
 * Where the key that wraps all others is kept. A KMS or Vault is one more implementation: it is asked once at each
 * start, for one key, so it may be slow and it may be far away.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { writeWhole } from '../../../stores/whole-file.ts';
import { realDisk, syncFolder } from '../log/disk.ts';

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
      if (plain === undefined) throw new Error('the master key does not open it, or it belongs to another log');
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

/** Names a master key in records; tells nothing of it. */
export function masterKeyId(master: Buffer): string {
  return Buffer.from(hkdfSync('sha256', master, '', 'sallyport audit master key id', 8)).toString('hex');
}

export interface WrappingKey {
  readonly path: string;
  /** Bound to the wrapped key: it opens in no other context. */
  readonly context: string;
  /** The file of what it wraps. */
  readonly wrapped?: string;
}

/** The key that wraps the keys of subjects: made once, kept wrapped beside the log. Throws when it cannot be opened. */
export async function openWrappingKey({ path, context, wrapped }: WrappingKey, service: KeyService): Promise<Buffer> {
  refuseIfOthersRead(path);
  if (existsSync(path)) return openKept(path, service, context);
  // A new key would open none of what the lost one has wrapped.
  if (wrapped !== undefined && existsSync(wrapped) && statSync(wrapped).size > 0)
    throw new Error(
      `${path} is missing, and the keys that it wraps are there. Restore it from a backup of the same log`,
    );
  const key = randomBytes(32);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(path, await service.wrap(key, context), { when: 'absent' });
  return key;
}

/** Refuses key files that other users can read, wrapped or not. */
export function refuseIfOthersRead(path: string): void {
  const { mode = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new Error(`others can read ${path}. Run: chmod 600 ${path}`);
}

/** Under the one key or, when a rewrapping was interrupted before it took its place, under the other. */
async function openKept(path: string, service: KeyService, context: string): Promise<Buffer> {
  const open = (from: string): Promise<Buffer> => service.unwrap(readFileSync(from), context);
  try {
    return await open(path);
  } catch (error) {
    const next = nextWrapping(path);
    if (!existsSync(next)) throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
    const key = await open(next).catch(() => {
      throw error;
    });
    renameSync(next, path);
    return key;
  }
}

function nextWrapping(path: string): string {
  return `${path}.next`;
}

export type Rewrapped = 'rewrapped' | 'already' | 'neither';

/**
 * Puts everything that the master key wraps under another one. `record` makes the record of it durable. From the
 * moment that it has, an end of the process at any point leaves a log that opens under the old key or under either, and
 * the same call again finishes it. `neither`: it is not under `from`.
 */
export async function rewrap(
  { path, context }: WrappingKey,
  { from, to }: { readonly from: KeyService; readonly to: KeyService },
  record: () => Promise<void>,
): Promise<Rewrapped> {
  const key = await from.unwrap(readFileSync(path), context).catch(() => undefined);
  if (key === undefined)
    return (await openKept(path, to, context).catch(() => undefined)) === undefined ? 'neither' : 'already';
  await record();
  writeWhole(nextWrapping(path), await to.wrap(key, context));
  renameSync(nextWrapping(path), path);
  syncFolder(realDisk, dirname(path));
  return 'rewrapped';
}
