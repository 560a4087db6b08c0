/** Sets of detectors by what a plan asks for: they take megabytes, and are the same for most guardrails. */
import type { WordList } from '../../../pipeline/contracts/guardrails.ts';
import { type Chosen, choose, compileDetectors, type DetectorSet } from '../detectors/engine/compile.ts';
import { fixedDetectors } from '../detectors/list.ts';
import { words } from '../detectors/words/detector.ts';

/** Plain data, so that another thread can make the same set. */
export interface SetSpec {
  /** Of detectors. */
  readonly ids: readonly string[];
  readonly wordLists: readonly WordList[];
}

const sets = new Map<string, DetectorSet>();
const maxSets = 64;

export function setOf({ ids, wordLists }: SetSpec): DetectorSet {
  const key = JSON.stringify([ids.toSorted(), wordLists]);
  const known = sets.get(key);
  if (known !== undefined) return known;
  const chosen: Chosen[] = fixedDetectors
    .filter(({ id }) => ids.includes(id))
    .map((detector) => choose(detector, undefined));
  if (wordLists.length > 0)
    chosen.push(choose(words, Object.fromEntries(wordLists.map(({ label, ...list }) => [label, list]))));
  const made = compileDetectors(chosen);
  if (sets.size >= maxSets) sets.clear();
  sets.set(key, made);
  return made;
}
