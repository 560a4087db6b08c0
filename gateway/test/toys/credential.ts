import { z } from 'zod';
import { defineCredential } from '../../src/upstreams/credentials/contract.ts';
import { fixedCredential } from '../../src/upstreams/credentials/fixed/fixed.ts';

export const toyCredential = defineCredential({
  id: 'toy',
  summary: 'A word in a header.',
  options: z.strictObject({ word: z.string().min(1).describe('The word.') }),
  create: ({ word }) => fixedCredential({ 'x-toy': word }, [word]),
});
