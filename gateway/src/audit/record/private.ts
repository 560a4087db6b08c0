/**
 * The private part of a record: three texts, encrypted under the key of its subject. Each text has a commitment in the
 * public part under a key of its own, so that one can be shown without showing the others.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { ByteText } from '../hash.ts';
import type { SubjectKeys } from '../keys/subjects.ts';
import type { Room } from '../room.ts';
import { hmacHex, hmacText, passingKey } from './hmac.ts';

/** `about`: who, from where, and what only the operator may know. */
export const partNames = ['about', 'arguments', 'result'] as const;
export type PartName = (typeof partNames)[number];
export type PrivateParts = Readonly<Record<PartName, string>>;

const nonceSize = 12;
const tagSize = 16;

/** The key of one commitment of one record: 32 bytes. Showing it reveals nothing about any other. */
export function commitmentKey(keys: SubjectKeys, seq: number, part: PartName): ByteText {
  return hmacText(keys.commitment, `${part} ${seq}`);
}

/** What the public part says of a text: hex. */
export function commitment(keys: SubjectKeys, seq: number, part: PartName, text: Uint8Array): string {
  return hmacHex(passingKey(commitmentKey(keys, seq, part)), text);
}

const chance = Buffer.alloc(4096);
let used = chance.length;

/** The index of the record, which occurs once under a key, and chance in case it occurs again after a crash. */
function writeNonce(nonce: Buffer, seq: number): void {
  if (used + 4 > chance.length) {
    randomFillSync(chance);
    used = 0;
  }
  nonce.writeUInt32BE(Math.floor(seq / 2 ** 32), 0);
  nonce.writeUInt32BE(seq % 2 ** 32, 4);
  chance.copy(nonce, 8, used, used + 4);
  used += 4;
}

function associated(origin: string, seq: number): string {
  return `sallyport private part v1\n${origin}\n${seq}\n`;
}

/** The parts, encrypted: nonce, ciphertext, tag. Good for as long as the room. */
export function sealParts(
  keys: SubjectKeys,
  { origin, seq }: { readonly origin: string; readonly seq: number },
  parts: readonly Uint8Array[],
  room: Room,
): Buffer {
  let length = 0;
  for (const part of parts) length += 4 + part.length;
  const sealed = room.take(nonceSize + length + tagSize);
  const nonce = sealed.subarray(0, nonceSize);
  writeNonce(nonce, seq);
  const cipher = createCipheriv('aes-256-gcm', keys.encryption, nonce).setAAD(room.text(associated(origin, seq)));
  const plain = room.take(length);
  let at = 0;
  for (const part of parts) {
    at = plain.writeUInt32LE(part.length, at);
    plain.set(part, at);
    at += part.length;
  }
  sealed.set(cipher.update(plain), nonceSize);
  cipher.final();
  sealed.set(cipher.getAuthTag(), nonceSize + length);
  return sealed;
}

/** `undefined` when these bytes are not what was sealed for this record under this key. */
export function openParts(keys: SubjectKeys, origin: string, seq: number, sealed: Buffer): PrivateParts | undefined {
  if (sealed.length < nonceSize + tagSize) return undefined;
  let plain: Buffer;
  try {
    const decipher = createDecipheriv('aes-256-gcm', keys.encryption, sealed.subarray(0, nonceSize));
    decipher.setAAD(Buffer.from(associated(origin, seq))).setAuthTag(sealed.subarray(sealed.length - tagSize));
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
