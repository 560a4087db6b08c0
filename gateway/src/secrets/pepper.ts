/** The pepper of API keys: 256 random bits in a file that only its owner can read, made at the first start. */
import { randomBytes } from 'node:crypto';
import type { Failed } from '../protocol/result.ts';
import { readOwnKey } from './own-key.ts';

export type PepperResult = { readonly ok: true; readonly pepper: Buffer } | Failed;

/** Reads `<folder>/keys/pepper`, or makes it. Without it stolen HMACs cannot be tried out, and no key works any more. */
export function openPepper(folder: string): PepperResult {
  const read = readOwnKey(folder, 'pepper', () => randomBytes(32).toString('base64url'));
  if (!read.ok) return read;
  const pepper = Buffer.from(read.text, 'base64url');
  if (pepper.length === 32) return { ok: true, pepper };
  return {
    ok: false,
    problem: `${read.path} is damaged`,
    remedy: 'Restore it from a backup, or remove it and make new keys.',
  };
}
