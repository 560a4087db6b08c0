/** Examples that stand in the configuration and are run by `sallyport test`. */
import { z } from 'zod';
import { name } from './units.ts';

export const example = z.strictObject({
  name: z.string().max(256).optional().describe('What the example shows.'),
  caller: z
    .strictObject({ user: name.optional(), agent: name.optional(), application: name.optional() })
    .describe('Who calls.'),
  server: name,
  tool: z.string().max(256).optional(),
  args: z.record(z.string(), z.json()).optional().describe('Arguments of the tool or prompt.'),
  resource: z.string().max(8192).optional(),
  prompt: z.string().max(256).optional(),
  at: z.iso.datetime({ offset: true }).optional().describe('When; now if not given.'),
  expect: z.enum(['allow', 'deny', 'hold', 'observe']),
});

export const examples = z.array(example).max(10_000).default([]).describe('Examples with the effect they must have.');
export type Example = z.output<typeof example>;
