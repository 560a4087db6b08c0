/** What the inspection thread does. */
import type { SqlRole } from '../../../pipeline/contracts/argument-roles.ts';
import { sqlProblem } from '../argument-roles/sql/judge.ts';
import { type ScanResult, scanParts } from '../detectors/engine/scan.ts';
import { type SetSpec, setOf } from '../guardrails/sets.ts';

export type Job = ScanJob | SqlJob;

interface SqlJob {
  readonly kind: 'sql';
  readonly text: string;
  readonly role: SqlRole;
}

interface ScanJob {
  readonly kind: 'scan';
  readonly spec: SetSpec;
  readonly parts: readonly string[];
  /** Of the fingerprints. */
  readonly key: Uint8Array;
  readonly bounds: { readonly maxChars: number; readonly maxFindings: number; readonly timeMs: number };
}

export interface Answers {
  readonly scan: ScanResult;
  /** Why the statement must not be sent. */
  readonly sql: string | undefined;
}

export async function answerOf(job: Job): Promise<Answers[Job['kind']]> {
  if (job.kind === 'sql') return sqlProblem(job.text, job.role);
  const { spec, parts, key, bounds } = job;
  return scanParts(setOf(spec), parts, { key, bounds });
}
