/** From a record that was handed over to what is stored: commitments, the sealed private part, and the public part. */
import { sha256Base64 } from '../hash.ts';
import type { SubjectKeys } from '../keys/subjects.ts';
import type { Stored } from '../log/segment.ts';
import { longestEntry } from '../log/tiles.ts';
import type { Unpacked } from '../record/packed.ts';
import { commitment, commitmentKey, type PartName, sealParts } from '../record/private.ts';
import type { ScratchBuffer } from '../scratch-buffer.ts';
import type { OpenIntent } from './open-intents.ts';

/** Where a record stands, when it was written (milliseconds since the epoch), and whose keys seal it. */
export interface Place {
  readonly seq: number;
  readonly origin: string;
  readonly written: number;
  readonly keys: SubjectKeys;
  /** Of an outcome: what it is the outcome of. */
  readonly intent?: OpenIntent | undefined;
}

/** Of the records that are written. */
const version = 3;

const nothing = Buffer.alloc(0);
const forgotten = { about: nothing, result: nothing, kept: { args: nothing, result: nothing } };

/** Both parts are good for as long as the room. */
export function store(record: Unpacked, place: Place, buffer: ScratchBuffer): Stored {
  const { seq, written, keys, intent } = place;
  const { members, args } = record;
  // Of an erased subject nothing is kept that became known afterwards.
  const { about, result, kept } = intent?.erased === true ? { ...record, ...forgotten } : record;
  const parts = [about, kept.args, kept.result];
  const isBare = parts.every(({ length }) => length === 0);
  const sealed = isBare ? nothing : sealParts(parts, keys, { where: place, buffer });
  const numbered = { seq, version };
  const promise = (part: PartName, text: Buffer): string =>
    text.length === 0
      ? ''
      : `,"${part}":{"bytes":${text.length},"commitment":"${commitment(commitmentKey(keys, numbered, part), text)}"}`;
  const [approval, known, reason, revision, server, rest] = members;
  const first = promise('about', about) + approval + promise('arguments', args) + known;
  const parent = intent === undefined ? '' : `,"parent":${intent.seq}`;
  const digest = sealed.length === 0 ? '' : `,"private":"${sha256Base64(sealed)}"`;
  const end = `,"v":${version},"written":${written}}`;
  const text = `{${first.slice(1)}${parent}${digest}${reason}${promise('result', result)}${revision},"seq":${seq}${server},"subject":"${keys.pseudonym}"${rest}${end}`;
  if (text.length > longestEntry) throw new RangeError('the public part is too long');
  return { entry: buffer.bytes(text), sealed };
}
