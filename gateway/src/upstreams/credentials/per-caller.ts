/** A kind of credential that is made from the token which a caller presented: one for each such token. */
import type { Granted } from '../../oauth/token-endpoint.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { Credential, CredentialKind } from './contract.ts';
import { TokenCredential } from './token.ts';

/** Tokens that are kept at the same time: of all callers, and of one. A caller with more loses its own oldest ones. */
export const maxTokens = 10_000;
export const maxTokensOfCaller = 64;

/** `make` gets the caller's own token; what it makes does not outlive that one. */
export function perCaller(make: (subjectToken: string) => Promise<Granted>): CredentialKind {
  const grant = async ({ credential }: Caller): Promise<Granted> => {
    const subject = credential.subjectToken?.();
    if (subject === undefined) return { ok: false, lasting: true, problem: 'the caller has no token to exchange' };
    const granted = await make(subject);
    return granted.ok && credential.expiresAt !== undefined ? { ...granted, notAfter: credential.expiresAt } : granted;
  };
  // By caller, then by the credential that it presented: a weak token, or a key, never acts with what was made of a
  // strong token of the same caller.
  const known = new Map<string, Map<string, TokenCredential>>();
  let size = 0;
  const forgetOldest = (): void => {
    const oldest = known.entries().next().value;
    if (oldest === undefined) return;
    known.delete(oldest[0]);
    size -= oldest[1].size;
  };
  return {
    perCaller: true,
    keyOf: (caller) => (caller === undefined ? '' : `${caller.key} ${caller.credential.id}`),
    of(caller): Credential {
      if (caller === undefined) return withoutCaller;
      const own = known.get(caller.key) ?? new Map<string, TokenCredential>();
      const before = own.get(caller.credential.id);
      if (before !== undefined) return before;
      const made = new TokenCredential(() => grant(caller));
      if (own.size >= maxTokensOfCaller) {
        own.delete(own.keys().next().value ?? '');
        size--;
      }
      if (size >= maxTokens) forgetOldest();
      own.set(caller.credential.id, made);
      size++;
      known.set(caller.key, own);
      return made;
    },
    *all() {
      for (const [key, credentials] of known)
        for (const credential of credentials.values()) yield [key, credential] as const;
    },
  };
}

const withoutCaller: Credential = {
  ready: () => ({ ok: false, problem: 'no caller, so there is no token to exchange' }),
  current: () => ({}),
  secrets: () => [],
  refused: () => false,
  state: () => ({ state: 'unused' }),
};
