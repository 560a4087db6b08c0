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
  const plain = ordered.filter(({ detector, class: name }) => !isGeneral(`${detector}/${name}`));
  const kept: Finding[] = [];
  const vague = new Set<Finding>();
  // Those before it in this order that reach beyond its beginning: only they can cover it.
  let open: Finding[] = [];
  let near = 0;
  for (const finding of ordered) {
    open = open.filter((other) => reaches(other, finding));
    const isCovered = open.some((other) => other.confidence >= finding.confidence && covers(other, finding));
    open.push(finding);
    while (near < plain.length && isFarBefore(plain[near] as Finding, finding)) near++;
    if (isCovered) continue;
    kept.push(finding);
    if (isGeneral(`${finding.detector}/${finding.class}`) && hasNeighbour(plain, near, finding)) vague.add(finding);
  }
  // All of a class go, or none: what is left out of a redaction is not found after it.
  const stays = new Set(kept.filter((finding) => !vague.has(finding)).map((finding) => finding.class));
  return kept.filter((finding) => !vague.has(finding) || stays.has(finding.class));
}

/** A value that parts share reaches into the last of them. */
function reaches({ spans }: Finding, { spans: [first] }: Finding): boolean {
  const last = spans.at(-1) ?? spans[0];
  return last.part > first.part || (last.part === first.part && last.to > first.from);
}

function isFarBefore({ spans: [a] }: Finding, { spans: [b] }: Finding): boolean {
  return a.part < b.part || (a.part === b.part && a.from < b.from - 4 * closeBy);
}

function hasNeighbour(plain: readonly Finding[], from: number, finding: Finding): boolean {
  const { spans } = finding;
  for (let at = from; at < plain.length; at++) {
    const other = plain[at] as Finding;
    if (other.spans[0].part > spans[0].part || other.spans[0].from > spans[0].to + closeBy) return false;
    if (other.detector === finding.detector && isClose(other, finding)) return true;
  }
  return false;
}

function isClose({ spans: [a] }: Finding, { spans: [b] }: Finding): boolean {
  return a.part === b.part && a.from - b.to < closeBy && b.from - a.to < closeBy;
}

function byPlace({ spans: [a] }: Finding, { spans: [b] }: Finding): number {
  return a.part - b.part || a.from - b.from || b.to - a.to;
}

function covers(other: Finding, finding: Finding): boolean {
  return (
    other.detector === finding.detector &&
    finding.spans.every((span) =>
      other.spans.some(({ part, from, to }) => part === span.part && from <= span.from && to >= span.to),
    )
  );
}

/** Whether a detector found something in one part that reaches into a span. */
export function isTouched(findings: readonly Finding[], detector: string, { part, from, to }: Span): boolean {
  return findings.some(
    (finding) =>
      finding.detector === detector &&
      finding.view !== 'joined' &&
      finding.spans.some((span) => span.part === part && span.from < to && from < span.to),
  );
}

interface Sure extends Span {
  readonly confidence: number;
}

/**
 * What was found last of each class. What stands within it and is no surer is left out by `settled`: the print of each of
 * thousands that reach to the same end would cost the square of their length.
 */
export class LastOfClass {
  readonly #last = new Map<string, Sure>();

  /** False makes it the last one. */
  covers(name: string, span: Span, confidence: number): boolean {
    const last = this.#last.get(name);
    if (last?.part === span.part && last.from <= span.from && last.to >= span.to && last.confidence >= confidence)
      return true;
    this.#last.set(name, { ...span, confidence });
    return false;
  }
}
