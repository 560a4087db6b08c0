/** Examples that stand in the configuration and are run by `sallyport test`. */
import { z } from 'zod';
import { name } from './units.ts';

export const example = z
  .strictObject({
    name: z.string().max(256).optional().describe('What the example shows.'),
    caller: z
      .strictObject({
        user: name.optional().describe('A user named under callers.'),
        agent: name.optional().describe('An agent named under callers.'),
        application: name.optional().describe('An application named under callers.'),
      })
      .refine((value) => Object.keys(value).length > 0, 'must say who: user, agent or application')
      .describe('Who calls.'),
    server: name.describe('The server that is called.'),
    tool: z.string().max(256).optional().describe('Original name of the tool that is called.'),
    args: z.record(z.string(), z.json()).optional().describe('Arguments of the tool or prompt.'),
    resource: z.string().max(8192).optional().describe('URI of the resource that is read.'),
    prompt: z.string().max(256).optional().describe('Original name of the prompt that is fetched.'),
    at: z.iso.datetime({ offset: true }).optional().describe('When; now if not given.'),
    expect: z.enum(['allow', 'deny', 'hold', 'observe']).describe('The effect that the rules must have.'),
  })
  .refine(
    (value) => [value.tool, value.resource, value.prompt].filter((what) => what !== undefined).length === 1,
    'must have exactly one of tool, resource and prompt',
  );

export const examples = z.array(example).max(10_000).default([]).describe('Examples with the effect they must have.');
export type Example = z.output<typeof example>;
