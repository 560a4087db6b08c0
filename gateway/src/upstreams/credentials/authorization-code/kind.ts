/** The account that each user has at a server. A user without one is asked to connect one. */

import type { Credential, CredentialKind } from '../contract.ts';
import type { AccountRegistry } from './book.ts';
import type { AccountSettings } from './server-accounts.ts';

/** `book` is absent for commands, which act for no user. */
export function authorizationCode(
  server: string,
  settings: AccountSettings,
  book: AccountRegistry | undefined,
): CredentialKind {
  const accounts = book?.open(server, settings);
  return {
    perCaller: true,
    of: (caller): Credential =>
      accounts === undefined || caller?.user === undefined ? withoutUser : accounts.of(caller.user),
    all: () => accounts?.all() ?? [],
  };
}

const withoutUser: Credential = {
  ready: () => ({ ok: false, problem: 'only users have accounts there, and no user is behind the call' }),
  current: () => ({}),
  secrets: () => [],
  refused: () => false,
  state: () => ({ state: 'unused' }),
};
