/** A kind of credential of which each caller has one of its own, made from the token that it presented. */
import type { Granted } from '../../oauth/token-endpoint.ts';
import type { Caller } from '../../pipeline/caller.ts';
import type { Credential, CredentialKind } from './contract.ts';
import { TokenCredential } from './token.ts';

/** Callers whose tokens are kept at the same time. */
export const mostCallers = 10_000;

interface Kept {
  caller: Caller;
  readonly credential: TokenCredential;
}

/** `make` gets the caller's own token; what it makes does not outlive that one. */
export function perCaller(make: (subjectToken: string) => Promise<Granted>): CredentialKind {
  const grant = async ({ credential }: Caller): Promise<Granted> => {
    const subject = credential.subjectToken?.();
    if (subject === undefined) return { ok: false, lasting: true, problem: 'the caller has no token to exchange' };
    const granted = await make(subject);
    return granted.ok && credential.expiresAt !== undefined ? { ...granted, notAfter: credential.expiresAt } : granted;
  };
  // One entry for each caller: two users never wait for the same token, and never get each other's.
  const known = new Map<string, Kept>();
  return {
    perCaller: true,
    of(caller): Credential {
      if (caller === undefined) return nobody;
      let entry = known.get(caller.key);
      if (entry === undefined) {
        const made: Kept = { caller, credential: new TokenCredential(() => grant(made.caller)) };
        entry = made;
        if (known.size >= mostCallers) known.delete(known.keys().next().value ?? '');
        known.set(caller.key, entry);
      } else if (entry.caller !== caller && endOf(caller) >= endOf(entry.caller)) entry.caller = caller;
      return entry.credential;
    },
    *all() {
      for (const [key, { credential }] of known) yield [key, credential] as const;
    },
  };
}

function endOf({ credential }: Caller): number {
  return credential.subjectToken === undefined
    ? Number.NEGATIVE_INFINITY
    : (credential.expiresAt ?? Number.POSITIVE_INFINITY);
}

const nobody: Credential = {
  ready: () => ({ ok: false, problem: 'nobody calls, so there is no token to exchange' }),
  current: () => ({}),
  secrets: () => [],
  refused: () => false,
  state: () => ({ state: 'unused' }),
};
