import { defineAuthenticator } from '../contract.ts';
import { issuers as options } from './options.ts';

export const issuers = defineAuthenticator({
  id: 'issuers',
  summary: 'Authorization servers whose access tokens are accepted, by a name of your own.',
  options,
  create: (_options, { tokens }) => tokens,
});
