/**
 * Keys of subjects against what the records say: one that is gone although no erasure is recorded, by accident or to
 * hide something, and one that is there again although its subject was erased, as with an older copy of the file.
 */
import type { Archive } from '../read/archive.ts';
import type { IndexFile } from './index-file.ts';

export type KeyState = 'right' | 'missing' | 'returned';

export interface WrongKeys {
  missing: number;
  returned: number;
}

/** One step for each subject of the log, so that the caller can yield in between. */
export function* keyStates(archive: Archive, index: IndexFile): Generator<KeyState> {
  for (const pseudonym of index.pseudonyms()) {
    const held = archive.subjects.byPseudonym(pseudonym) !== undefined;
    if (held !== index.isErased(pseudonym)) yield 'right';
    else yield held ? 'returned' : 'missing';
  }
}

export function countWrongKeys(archive: Archive, index: IndexFile): WrongKeys {
  const wrong = { missing: 0, returned: 0 };
  for (const state of keyStates(archive, index)) if (state !== 'right') wrong[state]++;
  return wrong;
}

/** `undefined` when every key is as it should be. */
export function wrongKeysText({ missing, returned }: WrongKeys): string | undefined {
  const said: string[] = [];
  const lack = missing === 1 ? '1 subject lacks its key' : `${missing} subjects lack their keys`;
  if (missing > 0) said.push(`${lack} and no record says that they were erased: restore log-subjects from a backup`);
  const have =
    returned === 1 ? '1 subject that was erased has its key' : `${returned} subjects that were erased have their keys`;
  if (returned > 0) said.push(`${have} again, as an older copy of log-subjects was put back: erase them again`);
  return said.length === 0 ? undefined : said.join('; ');
}
