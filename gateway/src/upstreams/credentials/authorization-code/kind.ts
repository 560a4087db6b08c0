/** The account that each user has at a server. A user without one is asked to connect one. */

import { type Credential, defineCredential } from '../contract.ts';
import { options } from './options.ts';

export const authorizationCode = defineCredential({
  id: 'authorizationCode',
  summary: 'The account that each user has at the server, connected in a browser (OAuth authorization code).',
  options,
  hasAccounts: true,
  create(config, { name, resource, fetch, guard, book }) {
    const accounts = book?.open(name, { url: resource, config, fetch, guard });
    return {
      perCaller: true,
      of: (caller): Credential =>
        accounts === undefined || caller?.user === undefined ? withoutUser : accounts.of(caller.user),
      all: () => accounts?.all() ?? [],
    };
  },
});

const withoutUser: Credential = {
  ready: () => ({ ok: false, problem: 'only users have accounts there, and no user is behind the call' }),
  current: () => ({}),
  secrets: () => [],
  refused: () => false,
  state: () => ({ state: 'unused' }),
};
