/**
 * A witness (c2sp.org/tlog-witness): gets each checkpoint with the proof that it continues the one before, and answers
 * with its cosignature (c2sp.org/tlog-cosignature). Kept in `anchors/`, where the verifier finds it.
 */
import { verify } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../../../stores/whole-file.ts';
import { consistencyProof } from '../../log/merkle.ts';
import { type Note, type NoteVerifier, parseNote, parseVerifierKey } from '../../log/note.ts';
import { tileReader } from '../../log/tree-files.ts';
import type { SignedCheckpoint } from '../../read/log-reader.ts';
import { type Anchor, handOver } from '../contract.ts';

const cosignatureType = 4;
/** Timestamp and Ed25519 signature. */
const cosignatureSize = 72;

export function witnessAnchor({ url, key }: { readonly url: string; readonly key: string }): Anchor {
  const witness = parseVerifierKey(key, cosignatureType);
  /** What it cosigned last, as far as we know. It tells us when that is wrong. */
  let old = 0;
  return {
    name: `witness ${witness?.name ?? url}`,
    async anchor(checkpoint, folder) {
      if (witness === undefined) throw new Error('its key is not an Ed25519 cosignature key');
      for (let attempt = 0; attempt < 2; attempt++) {
        const answer = await submit(url, old, checkpoint, folder);
        if (answer.known !== undefined && attempt === 0 && answer.known <= checkpoint.size) {
          old = answer.known;
          continue;
        }
        if (answer.lines === undefined) throw new Error(`it answered ${answer.status}`);
        const line = cosignature(checkpoint, answer.lines, witness);
        if (line === undefined) throw new Error('its answer holds no valid cosignature');
        keep(folder, witness.name, `${checkpoint.note}${line}\n`);
        old = checkpoint.size;
        return;
      }
      throw new Error('it does not say what it has seen');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly lines?: string;
  /** The size that it says it knows (409 Conflict). */
  readonly known?: number;
}

async function submit(url: string, old: number, { size, note }: SignedCheckpoint, folder: string): Promise<Answer> {
  const proof = consistencyProof(old, size, tileReader(folder, size));
  const lines = proof.map((each) => `${each.toString('base64')}\n`).join('');
  const { status, text } = await handOver(`${url.replace(/\/$/, '')}/add-checkpoint`, {
    method: 'POST',
    body: `old ${old}\n${lines}\n${note}`,
  });
  if (status === 409 && /^\d{1,15}\n$/.test(text)) return { status, known: Number(text) };
  return status === 200 ? { status, lines: text } : { status };
}

/** The line of the witness whose key we know; others are ignored, as the specification wants. */
function cosignature({ note }: SignedCheckpoint, lines: string, witness: NoteVerifier): string | undefined {
  const body = parseNote(note)?.body ?? '';
  for (const line of lines.split('\n')) {
    const parsed = parseNote(`${body}\n${line}\n`)?.signatures[0];
    if (parsed !== undefined && isCosignature(body, parsed, witness)) return line;
  }
  return undefined;
}

function isCosignature(body: string, { name, id, signature }: Note['signatures'][number], witness: NoteVerifier) {
  if (name !== witness.name || !id.equals(witness.id) || signature.length !== cosignatureSize) return false;
  const message = Buffer.from(`cosignature/v1\ntime ${signature.readBigUInt64BE(0)}\n${body}`);
  return verify(null, message, witness.publicKey, signature.subarray(8));
}

function keep(folder: string, name: string, note: string): void {
  const anchors = join(folder, 'anchors');
  mkdirSync(anchors, { recursive: true, mode: 0o700 });
  writeWhole(join(anchors, `witness-${encodeURIComponent(name)}.txt`), note);
}
