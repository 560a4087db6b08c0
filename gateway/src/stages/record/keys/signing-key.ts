/** The key that signs checkpoints: Ed25519, in a file of its owner, or from the configuration. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { writeWhole } from '../../../stores/whole-file.ts';
import type { NoteSigner } from '../log/note.ts';
import { verifierKey } from '../log/note.ts';

export type SigningKeyResult =
  | { readonly ok: true; readonly key: KeyObject }
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

/** Reads the key at the path, and makes it when there is none. Refuses a file that others can read. */
export function openSigningKey(path: string): SigningKeyResult {
  if (!existsSync(path)) writeSigningKey(path, generateKeyPairSync('ed25519').privateKey);
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0)
    return { ok: false, problem: `others can read ${path}`, remedy: `Run: chmod 600 ${path}` };
  return parseSigningKey(readFileSync(path, 'utf8'), path);
}

/** PKCS #8 in PEM. `where` names it in the complaint; the key itself never appears there. */
export function parseSigningKey(pem: string, where: string): SigningKeyResult {
  const remedy = 'It must be an Ed25519 private key in PEM (openssl genpkey -algorithm ed25519).';
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519'
      ? { ok: true, key }
      : { ok: false, problem: `${where} holds a key of another kind`, remedy };
  } catch {
    return { ok: false, problem: `${where} is not a private key`, remedy };
  }
}

/** A reader sees the old key or the new one, never half of one. */
export function writeSigningKey(path: string, key: KeyObject): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(path, key.export({ format: 'pem', type: 'pkcs8' }));
}

export function signerOf(origin: string, key: KeyObject): NoteSigner {
  return { name: origin, verifierKey: verifierKey(origin, key), privateKey: key };
}
