import { z } from 'zod';
import { duration } from '../../../config/schema/units.ts';
import { defineAuthenticator } from '../contract.ts';
import { apiKeyAuthenticator } from './authenticator.ts';

export const apiKeys = defineAuthenticator({
  id: 'keys',
  summary: 'API keys.',
  options: z
    .strictObject({
      maxAge: duration
        .optional()
        .describe('Age beyond which `key list` and the log remind of replacing a key. It goes on to work.'),
    })
    .prefault({}),
  create: (_options, { configuration, keys }) => apiKeyAuthenticator(configuration, keys),
});
