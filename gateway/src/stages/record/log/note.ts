/** C2SP signed notes with Ed25519, and the checkpoints in them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint). */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { sha256 } from '../hash.ts';

/** Signature types of signed-note: a plain Ed25519 signature, and a timestamped one of a witness. */
const ed25519Type = 1;

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

export interface NoteSigner {
  readonly name: string;
  readonly verifierKey: string;
  readonly privateKey: KeyObject;
}

export interface NoteVerifier {
  readonly name: string;
  readonly id: Buffer;
  readonly publicKey: KeyObject;
}

/** DER of an Ed25519 public key up to the 32 bytes of the key (RFC 8410 section 4). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export function rawPublicKey(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(spkiPrefix.length);
}

function keyId(name: string, type: number, raw: Buffer): Buffer {
  return sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([type]), raw])).subarray(0, 4);
}

/** The text form of a public key: `name+id+base64(type ‖ key)`. */
export function verifierKey(name: string, key: KeyObject): string {
  const raw = rawPublicKey(key);
  const encoded = Buffer.concat([Buffer.from([ed25519Type]), raw]).toString('base64');
  return `${name}+${keyId(name, ed25519Type, raw).toString('hex')}+${encoded}`;
}

/** `undefined` for what is not such a key, or not of the type. */
export function parseVerifierKey(text: string, type: number = ed25519Type): NoteVerifier | undefined {
  const [, name = '', id = '', encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== type) return undefined;
  const raw = bytes.subarray(1);
  const expected = keyId(name, type, raw);
  if (expected.toString('hex') !== id) return undefined;
  const publicKey = createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: 'der', type: 'spki' });
  return { name, id: expected, publicKey };
}

export function checkpointBody({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

export function signatureLine({ name, verifierKey: key, privateKey }: NoteSigner, body: string): string {
  const id = Buffer.from(key.split('+')[1] ?? '', 'hex');
  return `— ${name} ${Buffer.concat([id, sign(null, Buffer.from(body), privateKey)]).toString('base64')}\n`;
}

export function signCheckpoint(checkpoint: Checkpoint, signer: NoteSigner): string {
  const body = checkpointBody(checkpoint);
  return `${body}\n${signatureLine(signer, body)}`;
}

export interface Note {
  readonly body: string;
  readonly signatures: readonly { readonly name: string; readonly id: Buffer; readonly signature: Buffer }[];
}

export function parseNote(text: string): Note | undefined {
  const end = text.lastIndexOf('\n\n');
  if (end === -1 || !text.endsWith('\n')) return undefined;
  const signatures: Note['signatures'][number][] = [];
  for (const line of text.slice(end + 2, -1).split('\n')) {
    const [, name = '', encoded = ''] = /^— ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.length < 5) return undefined;
    signatures.push({ name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { body: text.slice(0, end + 1), signatures };
}

export function parseCheckpoint(body: string): Checkpoint | undefined {
  const [origin = '', size = '', root = ''] = body.split('\n');
  const bytes = Buffer.from(root, 'base64');
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || bytes.length !== 32) return undefined;
  return { origin, size: Number(size), root: bytes };
}

/** The checkpoint of a note that one of the keys signed; `undefined` when none did. */
export function openCheckpoint(text: string, verifiers: readonly NoteVerifier[]): Checkpoint | undefined {
  const note = parseNote(text);
  if (note === undefined) return undefined;
  const signed = note.signatures.some(({ name, id, signature }) =>
    verifiers.some(
      (key) =>
        key.name === name &&
        key.id.equals(id) &&
        signature.length === 64 &&
        verify(null, Buffer.from(note.body), key.publicKey, signature),
    ),
  );
  return signed ? parseCheckpoint(note.body) : undefined;
}
