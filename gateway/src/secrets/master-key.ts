/** Master keys: 32 random bytes in hex, in a file that only its owner can read, or from the configuration. */
import { randomBytes } from 'node:crypto';
import type { Failed } from '../protocol/result.ts';
import { readOwnKey } from './own-key.ts';

export type MasterKeyResult = { readonly ok: true; readonly key: Buffer } | Failed;

/** Reads `<data>/keys/master`, and makes it at the first start. */
export function openMasterKey(data: string): MasterKeyResult {
  const read = readOwnKey(data, 'master', () => randomBytes(32).toString('hex'));
  if (!read.ok) return read;
  return /^[0-9a-f]{64}$/.test(read.text)
    ? { ok: true, key: Buffer.from(read.text, 'hex') }
    : {
        ok: false,
        problem: `${read.path} is not a key`,
        remedy: 'Restore it from a backup. Without it secrets and records cannot be opened any more.',
      };
}

/** The key that wraps the keys of the log: the one that the configuration gives, else that of this gateway. */
export function openLogMasterKey(data: string, given: string | undefined): MasterKeyResult {
  if (given === undefined) return openMasterKey(data);
  const text = given.trim();
  return /^[0-9a-fA-F]{64}$/.test(text)
    ? { ok: true, key: Buffer.from(text, 'hex') }
    : {
        ok: false,
        problem: 'audit.keys.master is not a key',
        remedy: 'It must be 64 hexadecimal digits (openssl rand -hex 32).',
      };
}
