/** Whether a revision means the same as another one. */
import { isDeepStrictEqual } from 'node:util';
import type { Revision } from '../config/revision.ts';

/** The same words can mean other secrets than before, so what references stand for is compared as well. */
export function meansTheSame(one: Revision, other: Revision): boolean {
  if (
    one.digest !== other.digest ||
    !isSameFile(one.countryDatabase, other.countryDatabase) ||
    !isDeepStrictEqual(one.lock?.entries, other.lock?.entries)
  )
    return false;
  // Equal words, and these hold no references: they may be many.
  const resolved = ({
    configuration: { callers: _callers, connections: _connections, tests: _tests, ...rest },
  }: Revision) => rest;
  return isDeepStrictEqual(resolved(one), resolved(other));
}

function isSameFile(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}
