/** `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. */

/** Where a server does not say. */
const usualMs = 1_000;
/** A server that says more is asked again after this. */
const mostMs = 3_600_000;

/** Milliseconds. `now`: milliseconds since the epoch. */
export function retryAfterOf(header: string | undefined, now: number): number {
  if (header === undefined) return usualMs;
  const text = header.trim();
  const wanted = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(wanted) ? usualMs : Math.min(Math.max(wanted, usualMs), mostMs);
}
