/** The development cases: `cases/<detector>*.yaml` by group, those of the detectors' own folders, and generated ones. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { casesOf, expanded } from '../../gateway/test/support/detector-cases.ts';
import { generatedCases } from './generated.ts';

export interface Case {
  readonly detector: string;
  readonly group: string;
  readonly text: string;
  /** Whether the detector should find something. */
  readonly isPositive: boolean;
  /** The class that it is about, for the list of misses. */
  readonly about?: string;
}

export const detectorIds = ['secrets', 'pii', 'injection'] as const;

type Groups = Readonly<
  Record<string, { readonly positives?: readonly string[]; readonly negatives?: readonly string[] }>
>;

function written(detector: string): readonly Case[] {
  const files = globSync(join(import.meta.dirname, 'cases', `${detector}*.yaml`)).toSorted();
  const groups = files.flatMap((file) => Object.entries(parse(readFileSync(file, 'utf8')) as Groups));
  return groups.flatMap(([group, { positives, negatives }]) => [
    ...(positives ?? []).map((text) => ({ detector, group, text: expanded(text), isPositive: true })),
    ...(negatives ?? []).map((text) => ({ detector, group, text: expanded(text), isPositive: false })),
  ]);
}

/** Those that hold in `npm test`, as a group of their own. */
function held(detector: string): readonly Case[] {
  return casesOf(detector).cases.map(({ text, finds }) => ({
    detector,
    group: 'cases.yaml',
    text,
    isPositive: finds.length > 0,
  }));
}

export function allCases(): readonly Case[] {
  return [...detectorIds.flatMap((each) => [...held(each), ...written(each)]), ...generatedCases()];
}
