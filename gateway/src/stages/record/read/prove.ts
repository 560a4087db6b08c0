/** Proofs that hold without us: records, the way from each to a signed root, and what of them is shown. */
import { inclusionProof } from '../log/merkle.ts';
import { tileReader } from '../log/tree-files.ts';
import { commitmentKey, type PartName, partNames } from '../record/private.ts';
import { type Anchored, anchoredAfter } from './anchored.ts';
import type { Archive, ArchivedRecord } from './archive.ts';
import type { SignedCheckpoint } from './log-reader.ts';

/** More than a log has. */
const maxKeys = 10_000;

export interface ProvedRecord {
  /** The public part, exactly as it was hashed. */
  readonly entry: string;
  /** c2sp.org/tlog-proof@v1 */
  readonly proof: string;
  /** Texts of the private part, each with the key of its commitment. */
  readonly disclosed?: Readonly<Partial<Record<PartName, { readonly text: string; readonly key: string }>>>;
}

/** A checkpoint that a third party has signed, and the inclusion path of each record to its root. */
export interface ProvedAnchor {
  /** The checkpoint with all its signatures, exactly as it was stamped. */
  readonly checkpoint: string;
  /** RFC 3161 token, base64. */
  readonly timestamp?: string;
  /** Hashes in base64, for each of `records`. */
  readonly paths: readonly (readonly string[])[];
}

export interface Proof {
  readonly format: 'sallyport-proof/1';
  readonly records: readonly ProvedRecord[];
  /** The first key of the log and every change of it. */
  readonly keys: readonly ProvedRecord[];
  /** Absent when no anchor has signed since. */
  readonly anchors?: readonly ProvedAnchor[];
}

export interface ProveOptions {
  readonly archive: Archive;
  readonly checkpoint: SignedCheckpoint;
  readonly seqs: readonly number[];
  /** Indexes of the records about keys: `keyRecords`. */
  readonly keySeqs: readonly number[];
  readonly disclose: readonly PartName[];
}

/** The newest first. */
type Search = (query: {
  readonly words: { readonly kind: string };
  readonly limit: number;
}) => readonly { seq: number }[];

/**
 * The records about the keys of a log, in order: what a verifier follows from the first to the last. When retention has
 * dropped the first of them, the record of it comes in their place, as it repeats what they said.
 */
export function keyRecords(search: Search, archive: Archive, { size }: SignedCheckpoint): number[] {
  const seqs = search({ words: { kind: 'log-key' }, limit: maxKeys })
    .map(({ seq }) => seq)
    .toReversed()
    .filter((seq) => archive.record(seq, size) !== undefined);
  const [retention] = search({ words: { kind: 'retention' }, limit: 1 });
  const isFirst = seqs[0] !== undefined && archive.record(seqs[0], size)?.fields.detail?.['event'] === 'created';
  if (isFirst || retention === undefined) return seqs;
  return [retention.seq, ...seqs.filter((seq) => seq > retention.seq)];
}

/** Every record must be within the checkpoint and still be there. */
export function prove({ archive, checkpoint, seqs, keySeqs, disclose }: ProveOptions): Proof {
  const node = tileReader(archive.reader.folder, checkpoint.size);
  const one = (seq: number, parts: readonly PartName[]): ProvedRecord => {
    const record = archive.record(seq, checkpoint.size);
    if (record === undefined) throw new Error(`record ${seq} was dropped by retention`);
    const path = inclusionProof(seq, checkpoint.size, node).map((each) => `${each.toString('base64')}\n`);
    const proof = `c2sp.org/tlog-proof@v1\nindex ${seq}\n${path.join('')}\n${checkpoint.note}`;
    const disclosed = parts.length === 0 ? undefined : disclosedOf(archive, record, parts);
    return { entry: record.entry.toString('utf8'), proof, ...(disclosed && { disclosed }) };
  };
  const anchors = anchoredAfter(archive.reader.folder, checkpoint.origin, Math.max(...seqs));
  return {
    format: 'sallyport-proof/1',
    records: seqs.map((seq) => one(seq, disclose)),
    keys: keySeqs.map((seq) => one(seq, [])),
    ...(anchors.length === 0
      ? {}
      : { anchors: anchors.map((anchored) => provedAnchor(archive.reader.folder, anchored, seqs)) }),
  };
}

function provedAnchor(folder: string, { note, size, timestamp }: Anchored, seqs: readonly number[]): ProvedAnchor {
  const node = tileReader(folder, size);
  return {
    checkpoint: note,
    ...(timestamp === undefined ? {} : { timestamp: timestamp.toString('base64') }),
    paths: seqs.map((seq) => inclusionProof(seq, size, node).map((each) => each.toString('base64'))),
  };
}

function disclosedOf(archive: Archive, record: ArchivedRecord, wanted: readonly PartName[]) {
  const keys = archive.subjects.byPseudonym(record.fields.subject);
  if (record.parts === undefined || keys === undefined) return undefined;
  const shown: Partial<Record<PartName, { text: string; key: string }>> = {};
  for (const part of partNames) {
    const text = record.parts[part];
    // What was kept in another form than it came cannot be shown to be what came.
    if (!wanted.includes(part) || text === '' || !isWhole(record, part, text)) continue;
    const key = commitmentKey(keys, { seq: record.seq, version: record.fields.v }, part);
    shown[part] = { text, key: Buffer.from(key, 'latin1').toString('hex') };
  }
  return shown;
}

function isWhole({ fields }: ArchivedRecord, part: PartName, text: string): boolean {
  if (part !== 'about' && fields['capture'] !== 'full') return false;
  return (fields[part] as { bytes?: number } | undefined)?.bytes === Buffer.byteLength(text);
}
