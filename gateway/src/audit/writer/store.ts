/** From a draft to what is stored: commitments, the sealed private part, and the canonical public part. */
import { sha256Hex } from '../hash.ts';
import type { SubjectKeys } from '../keys/subjects.ts';
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

const nothing = Buffer.alloc(0);

export function store(draft: Draft, { seq, origin, written, keys }: Place): Stored {
  const { args, result, about, kept } = draft;
  const texts = [about, args, result];
  const keeps = [about, kept.args, kept.result];
  const commitments: Record<string, PlainObject> = {};
  const parts: Buffer[] = [];
  for (const [index, part] of partNames.entries()) {
    const [text = '', keep = ''] = [texts[index], keeps[index]];
    const bytes = text === '' ? nothing : Buffer.from(text);
    if (text !== '')
      commitments[part] = { commitment: commit(commitmentKey(keys, seq, part), bytes), bytes: bytes.length };
    // Mostly the text is kept as it was.
    parts.push(keep === text ? bytes : Buffer.from(keep));
  }
  const sealed = keeps.every((part) => part === '') ? nothing : sealParts(keys, origin, seq, parts);
  const fields: PlainObject = {
    v: 1,
    seq,
    written,
    subject: keys.pseudonym,
    ...draft.public,
    ...commitments,
    private: sealed.length === 0 ? undefined : sha256Hex(sealed),
  };
  let entry = Buffer.from(canonical(fields));
  // Lists and details are bounded one by one; should they be too long together, they go and the record says so.
  if (entry.length > longestEntry)
    entry = Buffer.from(canonical({ ...fields, connections: undefined, detail: undefined, shortened: true }));
  return { entry, sealed };
}
