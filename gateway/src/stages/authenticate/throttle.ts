/**
 * Slows down failing authentication with growing pauses, by source and by claimed identity. Credentials that are known
 * to be good pass all the same, so failures of others cannot lock out a caller that is already in.
 */

const firstPauseMs = 250;
/** Milliseconds. Short for identities: a false claim must not shut out the caller to which the identity belongs. */
const maxPauseMs = { source: 60_000, identity: 5_000 };
/** Without a failure for so long, everything is forgotten. */
const memoryMs = 600_000;
/** Sources, and identities, that are remembered at the same time. */
export const maxTracked = 10_000;

interface Failures {
  count: number;
  at: number;
  blockedUntil: number;
}

export class Throttle {
  readonly #sources = new Map<string, Failures>();
  readonly #identities = new Map<string, Failures>();

  /** Sources and identities that are remembered. */
  get size(): number {
    return this.#sources.size + this.#identities.size;
  }

  /** Milliseconds to wait; 0 when there is no reason to. */
  pause(source: string | undefined, identity: string | undefined, now: number): number {
    return Math.max(left(this.#sources, source, now), left(this.#identities, identity, now), 0);
  }

  /** Counts a failure, of which the first `free` cost nothing. Returns how long the source has to wait when it begins to, for the record. */
  failed(source: string | undefined, identity: string | undefined, now: number, free: number): number {
    count(this.#identities, identity, now, maxPauseMs.identity, free);
    return count(this.#sources, source, now, maxPauseMs.source, free);
  }
}

function left(map: ReadonlyMap<string, Failures>, key: string | undefined, now: number): number {
  const known = key === undefined ? undefined : map.get(key);
  return known === undefined ? 0 : known.blockedUntil - now;
}

function count(
  map: Map<string, Failures>,
  key: string | undefined,
  now: number,
  longest: number,
  free: number,
): number {
  if (key === undefined) return 0;
  let known = map.get(key);
  if (known === undefined || now - known.at > memoryMs) known = { count: 0, at: now, blockedUntil: 0 };
  // The one that failed longest ago stands first, and goes first.
  map.delete(key);
  if (map.size >= maxTracked) map.delete(map.keys().next().value ?? '');
  map.set(key, known);
  known.count += 1;
  known.at = now;
  const beyond = known.count - free;
  if (beyond <= 0) return 0;
  const pause = Math.min(firstPauseMs * 2 ** Math.min(beyond - 1, 20), longest);
  known.blockedUntil = now + pause;
  return pause;
}
