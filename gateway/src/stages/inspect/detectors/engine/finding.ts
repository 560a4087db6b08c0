/** What a scan reports: places and classes, never a value. */
import { createHmac, type KeyObject } from 'node:crypto';
import type { Severity } from '../detector.ts';
import type { Span, ViewKind } from './view.ts';

export interface Finding {
  readonly detector: string;
  readonly class: string;
  readonly severity: Severity;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly checksum?: 'valid' | 'invalid';
  /** The reading in which it was found. */
  readonly view: ViewKind;
  /** Where it stands in the parts that were sent; more than one for a value that parts share. Ordered, never empty. */
  readonly spans: readonly [Span, ...Span[]];
  /** The same for the same value under the same key, however it was encoded: 22 characters of base64url. */
  readonly fingerprint: string;
}

export function fingerprintOf(value: string, key: KeyObject | Uint8Array): string {
  return createHmac('sha256', key).update(value).digest().subarray(0, 16).toString('base64url');
}

/** How close a finding of another class makes a general one superfluous, in UTF-16 code units. */
const closeBy = 400;

/**
 * Without what a surer finding of the same detector covers, and general findings close to others; ordered by place.
 * @param isGeneral of `detector/class`
 */
export function settled(
  findings: readonly Finding[],
  isGeneral: (name: string) => boolean = () => false,
): readonly Finding[] {
  if (findings.length < 2) return findings;
  const ordered = findings.toSorted(
    (a, b) => byPlace(a, b) || b.confidence - a.confidence || (a.class < b.class ? -1 : 1),
  );
  const general = ordered.map((finding) => isGeneral(`${finding.detector}/${finding.class}`));
  return ordered.filter((finding, index) => {
    for (let at = 0; at < ordered.length; at++) {
      const other = ordered[at] as Finding;
      if (at === index || other.detector !== finding.detector) continue;
      if (general[index] === true && general[at] !== true && isClose(other, finding)) return false;
      if (covers(other, finding) && isSurer([other, at], [finding, index])) return false;
    }
    return true;
  });
}

function isClose({ spans: [a] }: Finding, { spans: [b] }: Finding): boolean {
  return a.part === b.part && a.from - b.to < closeBy && b.from - a.to < closeBy;
}

function byPlace({ spans: [a] }: Finding, { spans: [b] }: Finding): number {
  return a.part - b.part || a.from - b.from || b.to - a.to;
}

function isSurer([other, at]: readonly [Finding, number], [finding, index]: readonly [Finding, number]): boolean {
  return other.confidence > finding.confidence || (other.confidence === finding.confidence && at < index);
}

function covers(other: Finding, finding: Finding): boolean {
  return (
    other.detector === finding.detector &&
    finding.spans.every((span) =>
      other.spans.some(({ part, from, to }) => part === span.part && from <= span.from && to >= span.to),
    )
  );
}
