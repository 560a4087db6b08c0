import { z } from 'zod';
import { pass, refuse } from '../../src/pipeline/refusal.ts';
import { defineLimit } from '../../src/stages/limits/contract.ts';

/** What leases were settled with. */
export const settled: unknown[] = [];

export const toyLimit = defineLimit({
  id: 'toy',
  summary: 'Admits one request.',
  options: { toys: z.int().default(1).describe('Requests that are admitted.') },
  create() {
    let left = 1;
    return {
      admit: () =>
        left-- > 0 ? pass({ settle: (use) => settled.push(use) }) : refuse({ reason: 'too-many-requests', limit: 1 }),
    };
  },
});
