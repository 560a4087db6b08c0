/** Reads the list of losses that are accepted, and holds it to scenarios that the suite does not score. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { requirementSets, suiteFile } from './suite.ts';

export interface Baseline {
  readonly accepts: (check: string) => boolean;
}

export async function readBaseline(): Promise<Baseline> {
  const entries = items(await readFile(join(import.meta.dirname, 'baseline.yaml'), 'utf8'));
  const unscored = new Set<string>();
  for (const set of requirementSets) {
    const file = await readFile(join(dirname(suiteFile), '..', 'requirements', `${set}.yaml`), 'utf8');
    for (const [, name = ''] of file.matchAll(/^\s*- scenario: (\S+)\s*\n\s*leg: server\s*$/gm)) unscored.add(name);
  }
  for (const entry of entries) {
    const scenario = entry.split(':')[0] ?? '';
    if (!unscored.has(scenario)) throw new Error(`baseline.yaml: ${scenario} is scored, so it must pass`);
  }
  return { accepts: (check) => entries.includes(check) || entries.includes(check.split(':')[0] ?? '') };
}

/** The items of the one list in the file; anything else YAML can do is not needed there. */
function items(yaml: string): readonly string[] {
  return [...yaml.matchAll(/^\s*- ([^\s#]+)/gm)].map(([, entry = '']) => entry);
}
