import { z } from 'zod';
import { secret } from '../../../config/schema/units.ts';
import { defineCredential } from '../contract.ts';
import { fixedCredential } from './fixed.ts';

export const apiKey = defineCredential({
  id: 'apiKey',
  summary: 'A key in a header of its own.',
  options: z.strictObject({
    header: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header')
      .describe('The header that carries it.'),
    value: secret,
  }),
  create: ({ header, value }) => fixedCredential({ [header.toLowerCase()]: value }, [value]),
});
