/** What the inspection thread does. */
import { type ScanResult, scanParts } from '../detectors/engine/scan.ts';
import { type SetSpec, setOf } from '../guardrails/sets.ts';

export type Job = {
  readonly kind: 'scan';
  readonly spec: SetSpec;
  readonly parts: readonly string[];
  /** Of the fingerprints. */
  readonly key: Uint8Array;
  readonly bounds: { readonly maxChars: number; readonly maxFindings: number; readonly timeMs: number };
};

export interface Answers {
  readonly scan: ScanResult;
}

export function answerOf(job: Job): Answers[Job['kind']] {
  const { spec, parts, key, bounds } = job;
  return scanParts(setOf(spec), parts, { key, bounds });
}
