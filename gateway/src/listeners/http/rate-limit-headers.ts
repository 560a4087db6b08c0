/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): what the limits of a call have left. */
import type { LimitLevel } from '../../pipeline/contracts/limit.ts';

/** A call may meet any number of limits, and a header section has its bound. */
const maxItems = 8;
const maxNameLength = 64;

export function rateLimitHeaders(levels: readonly LimitLevel[]): Readonly<Record<string, string>> {
  const told = levels.slice(0, maxItems);
  if (told.length === 0) return {};
  return {
    'ratelimit-policy': told.map(policyOf).join(', '),
    ratelimit: told.map(levelOf).join(', '),
  };
}

function policyOf({ name, quota, unit, windowSeconds }: LimitLevel): string {
  const of = unit === undefined ? '' : `;qu="${unit}"`;
  const window = windowSeconds === undefined ? '' : `;w=${windowSeconds}`;
  return `${nameOf(name)};q=${quota}${of}${window}`;
}

function levelOf({ name, remaining, resetSeconds }: LimitLevel): string {
  return `${nameOf(name)};r=${remaining}${resetSeconds === undefined ? '' : `;t=${resetSeconds}`}`;
}

/** A string of structured fields (RFC 9651, 3.3.3) has printable ASCII only. */
function nameOf(name: string): string {
  return `"${name
    .slice(0, maxNameLength)
    .replaceAll(/[^ -~]/g, '?')
    .replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
