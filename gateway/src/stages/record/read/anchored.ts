/** What witnesses and time stamping authorities have signed of a log, as far as it is about given records. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readFileSync } from '../../../stores/own-files.ts';
import { type Checkpoint, parseCheckpoint, parseNote } from '../log/note.ts';

export interface Anchored extends Checkpoint {
  /** Exactly what was signed or stamped. */
  readonly note: string;
  /** The token of an authority (RFC 3161); a witness has signed in the note. */
  readonly timestamp?: Buffer;
}

/** Carried in one proof. */
const maxAnchors = 16;

/**
 * Of each witness and each authority the earliest checkpoint that contains the record `last`: an earlier signature
 * proves more.
 */
export function anchoredAfter(folder: string, origin: string, last: number): readonly Anchored[] {
  const path = join(folder, 'anchors');
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.txt')) : [];
  const earliest = new Map<string, Anchored>();
  for (const name of names) {
    const note = readFileSync(join(path, name), 'utf8');
    const checkpoint = parseCheckpoint(parseNote(note)?.body ?? '');
    if (checkpoint === undefined || checkpoint.origin !== origin || checkpoint.size <= last) continue;
    const token = join(path, name.replace(/txt$/, 'tst'));
    const timestamp = existsSync(token) ? readFileSync(token) : undefined;
    // A checkpoint whose token was never written vouches for nothing.
    if (name.startsWith('rfc3161-') && timestamp === undefined) continue;
    const whose = name.replace(/-\d+\.txt$/, '');
    const known = earliest.get(whose);
    if (known === undefined || checkpoint.size < known.size)
      earliest.set(whose, { ...checkpoint, note, ...(timestamp === undefined ? {} : { timestamp }) });
  }
  return [...earliest.values()].toSorted((a, b) => a.size - b.size).slice(0, maxAnchors);
}
