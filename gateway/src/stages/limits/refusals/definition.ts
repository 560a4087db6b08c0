import { z } from 'zod';
import { defineLimit } from '../contract.ts';
import { Refusals } from './refusals.ts';

export const refusals = defineLimit({
  id: 'refusals',
  summary: 'How many denied and invalid calls one caller may make.',
  options: {
    refusals: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(100)
      .describe(
        'Calls of one caller, of one kind of refusal, that may be denied or invalid at once; ten a minute come back. Beyond them each further one costs it a growing pause.',
      ),
  },
  create: () => new Refusals(),
});
