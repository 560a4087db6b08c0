/** Cuts findings out of the parts that were scanned. */
import type { Finding } from './finding.ts';
import type { Span } from './view.ts';

/** What stands in place of a finding. The default names the class: `[redacted: pii/email]`. */
export type Replacement = (finding: Finding) => string;

const named: Replacement = (finding) => `[redacted: ${finding.detector}/${finding.class}]`;

/** The parts with every span of the findings replaced. Spans that overlap become one, named by the first of them. */
export function redactParts(
  parts: readonly string[],
  findings: readonly Finding[],
  replacement: Replacement = named,
): readonly string[] {
  const cuts = parts.map((): Cut[] => []);
  // The first part of a split value has the replacement, the others lose their piece.
  for (const finding of findings)
    for (const [index, span] of finding.spans.entries())
      cuts[span.part]?.push({ ...span, text: index === 0 ? replacement(finding) : '' });
  return parts.map((text, part) => without(text, cuts[part] ?? []));
}

export function redact(text: string, findings: readonly Finding[], replacement: Replacement = named): string {
  return redactParts([text], findings, replacement)[0] ?? '';
}

interface Cut extends Span {
  readonly text: string;
}

function without(text: string, cuts: readonly Cut[]): string {
  let out = '';
  let at = 0;
  for (const cut of cuts.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    if (cut.to <= at) continue;
    if (cut.from >= at) out += text.slice(at, cut.from) + cut.text;
    at = cut.to;
  }
  return out + text.slice(at);
}
