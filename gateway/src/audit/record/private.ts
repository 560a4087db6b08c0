/**
 * The private part of a record: three texts, encrypted under the key of its subject. Each text has a commitment in the
 * public part under a key of its own, so that one can be shown to somebody without showing the others.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { SubjectKeys } from '../keys/subjects.ts';
import { hmac, hmacHex, hmacKey } from './hmac.ts';

/** `about`: who, from where, and what only the operator may know. */
export const partNames = ['about', 'arguments', 'result'] as const;
export type PartName = (typeof partNames)[number];
export type PrivateParts = Readonly<Record<PartName, string>>;

const nonceSize = 12;
const tagSize = 16;

/** The key of one commitment of one record. Showing it reveals nothing about any other. */
export function commitmentKey(keys: SubjectKeys, seq: number, part: PartName): Buffer {
  return hmac(keys.commitment, Buffer.from(`${part} ${seq}`));
}

export function commit(key: Buffer, text: Buffer): string {
  return hmacHex(hmacKey(key), text);
}

const chance = Buffer.alloc(4096);
let used = chance.length;

/** The index of the record, which occurs once under a key, and chance in case it occurs again after a crash. */
function nonceFor(seq: number): Buffer {
  if (used + 4 > chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  const nonce = Buffer.allocUnsafe(nonceSize);
  nonce.writeBigUInt64BE(BigInt(seq), 0);
  chance.copy(nonce, 8, used, used + 4);
  used += 4;
  return nonce;
}

function associated(origin: string, seq: number): Buffer {
  return Buffer.from(`sallyport private part v1\n${origin}\n${seq}\n`);
}

export function sealParts(keys: SubjectKeys, origin: string, seq: number, parts: readonly Buffer[]): Buffer {
  const nonce = nonceFor(seq);
  const cipher = createCipheriv('aes-256-gcm', keys.encryption, nonce).setAAD(associated(origin, seq));
  let length = 0;
  for (const part of parts) length += 4 + part.length;
  const plain = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    at = plain.writeUInt32LE(part.length, at);
    at += part.copy(plain, at);
  }
  const body = cipher.update(plain);
  cipher.final();
  return Buffer.concat([nonce, body, cipher.getAuthTag()]);
}

/** `undefined` when these bytes are not what was sealed for this record under this key. */
export function openParts(keys: SubjectKeys, origin: string, seq: number, sealed: Buffer): PrivateParts | undefined {
  if (sealed.length < nonceSize + tagSize) return undefined;
  let plain: Buffer;
  try {
    const decipher = createDecipheriv('aes-256-gcm', keys.encryption, sealed.subarray(0, nonceSize));
    decipher.setAAD(associated(origin, seq)).setAuthTag(sealed.subarray(sealed.length - tagSize));
    plain = Buffer.concat([decipher.update(sealed.subarray(nonceSize, sealed.length - tagSize)), decipher.final()]);
  } catch {
    return undefined;
  }
  const texts: string[] = [];
  for (let at = 0; at < plain.length; ) {
    const end = at + 4 + plain.readUInt32LE(at);
    texts.push(plain.toString('utf8', at + 4, end));
    at = end;
  }
  const [about = '', args = '', result = ''] = texts;
  return { about, arguments: args, result };
}
