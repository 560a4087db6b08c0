import { z } from 'zod';
import { callerName } from '../../../config/schema/units.ts';
import { defineAuthenticator } from '../contract.ts';
import { anonymousAuthenticator } from './authenticator.ts';

export const anonymous = defineAuthenticator({
  id: 'anonymous',
  summary: 'The caller that a request without credentials stands for. Only while listening on loopback.',
  options: z
    .strictObject({
      user: callerName.optional().describe('A user named under callers.'),
      agent: callerName.optional().describe('An agent named under callers.'),
      application: callerName.optional().describe('An application named under callers.'),
    })
    .refine((value) => Object.keys(value).length > 0, 'must name the user, agent or application it stands for')
    .optional(),
  callers: (caller) => (caller === undefined ? [] : [{ path: [], caller }]),
  create: (named, { configuration }) => anonymousAuthenticator(configuration, named),
});
