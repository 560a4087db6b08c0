/** Subjects whose key is gone although no record says that they were erased: an accident, or somebody who hides something. */
import type { Archive } from '../read/archive.ts';
import type { IndexFile } from './index-file.ts';

/** For each subject of the log whether its key is missing, so that whoever asks can take a breath in between. */
export function* missingKeys(archive: Archive, index: IndexFile): Generator<boolean> {
  for (const pseudonym of index.pseudonyms())
    yield archive.subjects.byPseudonym(pseudonym) === undefined && !index.isErased(pseudonym);
}

export function countMissingKeys(archive: Archive, index: IndexFile): number {
  let missing = 0;
  for (const isMissing of missingKeys(archive, index)) if (isMissing) missing++;
  return missing;
}

export function missingKeysText(count: number): string {
  const lack = count === 1 ? '1 subject lacks its key' : `${count} subjects lack their keys`;
  return `${lack} and no record says that they were erased: restore log-subjects from a backup`;
}
