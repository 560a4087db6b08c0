/** From a draft to what is stored: commitments, the sealed private part, and the canonical public part. */
import type { SubjectKeys } from '../keys/subjects.ts';
import { sha256 } from '../log/merkle.ts';
import type { Stored } from '../log/segment.ts';
import { longestEntry } from '../log/tiles.ts';
import type { Draft } from '../record/build.ts';
import { canonical, type PlainObject } from '../record/canonical.ts';
import { commit, commitmentKey, partNames, sealParts } from '../record/private.ts';

/** Where a record stands, when it was written (milliseconds since the epoch), and whose keys seal it. */
export interface Place {
  readonly seq: number;
  readonly origin: string;
  readonly written: number;
  readonly keys: SubjectKeys;
}

export function store(draft: Draft, { seq, origin, written, keys }: Place): Stored {
  const { args, result, about, kept } = draft;
  const texts = { about, arguments: args, result };
  const commitments: Record<string, PlainObject> = {};
  for (const part of partNames) {
    const text = texts[part];
    if (text === '') continue;
    const bytes = Buffer.from(text);
    commitments[part] = { commitment: commit(commitmentKey(keys, seq, part), bytes), bytes: bytes.length };
  }
  const parts = [about, kept.args, kept.result];
  const sealed = parts.every((part) => part === '')
    ? Buffer.alloc(0)
    : sealParts(
        keys,
        origin,
        seq,
        parts.map((part) => Buffer.from(part)),
      );
  const fields: PlainObject = {
    v: 1,
    seq,
    written,
    subject: keys.pseudonym,
    ...draft.public,
    ...commitments,
    private: sealed.length === 0 ? undefined : sha256(sealed).toString('hex'),
  };
  let entry = Buffer.from(canonical(fields));
  // Lists and details are bounded one by one; should they be too long together, they go and the record says so.
  if (entry.length > longestEntry)
    entry = Buffer.from(canonical({ ...fields, connections: undefined, detail: undefined, shortened: true }));
  return { entry, sealed };
}
