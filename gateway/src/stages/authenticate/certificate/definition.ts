import { z } from 'zod';
import { callerName } from '../../../config/schema/units.ts';
import { defineAuthenticator } from '../contract.ts';
import { certificateAuthenticator } from './authenticator.ts';

export const certificates = defineAuthenticator({
  id: 'certificates',
  summary: 'The callers that client certificates stand for. Certificates are verified by listen.mcp.tls.clients.',
  options: z
    .array(
      z
        .strictObject({
          name: z
            .string()
            .regex(/^(?:URI|DNS|email):[^\s",]{1,512}$/, 'must be URI:spiffe://…, DNS:… or email:…')
            .describe('An alternative name of the certificate, such as URI:spiffe://corp/agents/support.'),
          user: callerName.optional().describe('A user named under callers.'),
          agent: callerName.optional().describe('An agent named under callers.'),
          application: callerName.optional().describe('An application named under callers.'),
        })
        .refine((value) => Object.keys(value).length > 1, 'must say which user, agent or application it stands for'),
    )
    .max(10_000)
    .default([]),
  callers: (entries) => entries.map((caller, index) => ({ path: [index], caller })),
  create: (entries, { configuration }) => certificateAuthenticator(configuration, entries),
});
