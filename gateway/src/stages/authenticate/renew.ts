/**
 * Rights end with what gave them: who the credential of something that stays open stands for now, under the revision in
 * force. Asked for each message that such a thing carries, so it answers at once and from memory.
 */
import type { Authenticator } from '../../pipeline/contracts/authenticate.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';

/** `undefined`: the credential has ended, or stands for another caller now. */
export type Renew = (caller: Caller) => Caller | undefined;

/** For one revision. What it found is remembered by the caller object, and looked at again only where time decides. */
export function makeRenew(authenticators: readonly Authenticator[], now: () => number = Date.now): Renew {
  const renewed = new WeakMap<Caller, Caller>();
  const byKind = new Map<string, Authenticator>();
  for (const authenticator of authenticators)
    for (const kind of authenticator.kinds) if (!byKind.has(kind)) byKind.set(kind, authenticator);
  return (caller) => {
    const { kind, expiresAt } = caller.credential;
    if (expiresAt !== undefined && expiresAt <= now()) return undefined;
    const authenticator = byKind.get(kind);
    if (authenticator === undefined || !authenticator.stands(caller)) return undefined;
    const known = renewed.get(caller);
    if (known !== undefined) return known;
    const current = authenticator.renew(caller);
    if (current?.key !== caller.key) return undefined;
    renewed.set(caller, current);
    return current;
  };
}
