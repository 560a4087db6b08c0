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
    sends: z
      .record(z.string(), z.json())
      .optional()
      .describe('The arguments that the server must get, after guardrails and roles of arguments.'),
    result: z
      .union([z.string(), z.record(z.string(), z.json())])
      .optional()
      .describe('What the server answers: the text of a result, or a whole result.'),
    receives: z
      .union([z.string(), z.record(z.string(), z.json()), z.null()])
      .optional()
      .describe(
        'What the client must get of `result`, after masks and guardrails; null for nothing. A placeholder stands as [[class]].',
      ),
    expect: z
      .enum(['allow', 'deny', 'hold', 'observe', 'block'])
      .describe(
        'The effect that the rules must have; block: a guardrail or a role of an argument refuses what they let through.',
      ),
  })
  .refine(
    (value) => [value.tool, value.resource, value.prompt].filter((what) => what !== undefined).length === 1,
    'must have exactly one of tool, resource and prompt',
  )
  .refine(
    (value) => (value.result === undefined) === (value.receives === undefined),
    'must have result and receives together',
  )
  .refine(
    (value) =>
      (value.sends === undefined && value.result === undefined) ||
      value.expect === 'allow' ||
      value.expect === 'observe',
    'must say sends and result only of what is let through',
  );

export const examples = z.array(example).max(10_000).default([]).describe('Examples with the effect they must have.');
export type Example = z.output<typeof example>;
