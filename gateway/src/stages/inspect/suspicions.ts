/** What in a definition speaks to the model as an attacker would: enough to want a person to look at it first. */
import { nextTurn } from '../../pipeline/turns.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { type ScanResult, scanning } from './detectors/engine/scan.ts';
import { setOf } from './guardrails/sets.ts';
import { textsOf } from './guardrails/texts.ts';

const minConfidence = 0.7;
const maxFindings = 20;
const key = Buffer.alloc(32);

/** Milliseconds for one definition, and with the turns of others between its own. */
const timeMs = 50;
const timeInTurnsMs = 2_000;

/** Classes of findings, each once, such as `injection/hidden-text`. */
export function suspicions(definition: JsonObject): readonly string[] {
  const steps = stepsOf(definition, timeMs);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return classesIn(step.value);
  }
}

/** The same, in turns: a large definition holds up nothing else for long. */
export async function suspicionsInTurns(definition: JsonObject): Promise<readonly string[]> {
  const steps = stepsOf(definition, timeInTurnsMs);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return classesIn(step.value);
    await nextTurn();
  }
}

function stepsOf(definition: JsonObject, limitMs: number): ReturnType<typeof scanning> {
  const { values, names } = textsOf(definition);
  return scanning(setOf({ ids: ['injection'], wordLists: [] }), [...values, ...names], {
    key,
    bounds: { maxChars: 1_048_576, maxFindings, timeMs: limitMs },
  });
}

function classesIn({ findings, unscanned }: ScanResult): readonly string[] {
  const serious = findings.filter(
    ({ severity, confidence }) => (severity === 'high' || severity === 'critical') && confidence >= minConfidence,
  );
  const found = new Set(serious.map(({ detector, class: name }) => `${detector}/${name}`));
  return unscanned.length > 0 ? [...found, 'not scanned'] : [...found];
}
