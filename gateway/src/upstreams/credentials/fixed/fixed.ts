/** Credentials that are the same for every caller and never renewed. */
import type { Credential, CredentialHeaders, CredentialKind } from '../contract.ts';

/** `secrets`: the texts in the headers that must not come back from the server. */
export function fixedCredential(headers: CredentialHeaders, secrets: readonly string[]): CredentialKind {
  let state: 'unused' | 'connected' | 'broken' = 'unused';
  const credential: Credential = {
    ready() {
      if (state === 'unused') state = 'connected';
      return { ok: true, headers };
    },
    current: () => headers,
    secrets: () => secrets,
    refused() {
      state = 'broken';
      return false;
    },
    accepted() {
      state = 'connected';
    },
    state: () => ({ state }),
  };
  return { perCaller: false, of: () => credential, all: () => [['', credential]] };
}
