/** What in a definition speaks to the model as an attacker would: enough to want a person to look at it first. */
import type { JsonObject } from '../../protocol/json.ts';
import { scanParts } from './detectors/engine/scan.ts';
import { setOf } from './guardrails/sets.ts';
import { textsOf } from './guardrails/texts.ts';

const minConfidence = 0.7;
const maxFindings = 20;
const key = Buffer.alloc(32);

/** Classes of findings, each once, such as `injection/hidden-text`. */
export function suspicions(definition: JsonObject): readonly string[] {
  const { values, names } = textsOf(definition);
  const { findings, unscanned } = scanParts(setOf({ ids: ['injection'], wordLists: [] }), [...values, ...names], {
    key,
    bounds: { maxChars: 1_048_576, maxFindings, timeMs: 50 },
  });
  const serious = findings.filter(
    ({ severity, confidence }) => (severity === 'high' || severity === 'critical') && confidence >= minConfidence,
  );
  const found = new Set(serious.map(({ detector, class: name }) => `${detector}/${name}`));
  return unscanned.length > 0 ? [...found, 'not scanned'] : [...found];
}
