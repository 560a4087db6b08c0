/** Guardrails: what detectors look for in content, and what becomes of what they find. */
import { z } from 'zod';
import { guardrailActions, severities } from '../../pipeline/contracts/guardrails.ts';
import { fixedDetectors, patternProblem } from '../../stages/inspect/detectors/list.ts';
import { pointer } from './pointer.ts';
import { name, oneOrMore } from './units.ts';

const action = z
  .enum(guardrailActions)
  .describe(
    'observe: say so in the record. warn: tell the client, too. replace: put a placeholder there. redact: cut it out. hold, block: refuse.',
  );

const except = z.strictObject({
  fingerprints: z
    .array(z.string().regex(/^[\w-]{22}$/, 'must be a fingerprint as records show it'))
    .max(10_000)
    .default([])
    .describe('Values that are no findings, each by the fingerprint that `sallyport scan` and records show.'),
  tools: z.array(z.string().min(1).max(256)).max(1_000).default([]).describe('Tools in which nothing is a finding.'),
  paths: z
    .array(pointer)
    .max(1_000)
    .default([])
    .describe('JSON pointers, with * for any name or index, to where nothing is a finding.'),
});

/** A detector by what is done with its findings: the action alone, or with what limits it. */
function use(classes: readonly string[]) {
  const known = z.enum(classes as [string, ...string[]]);
  return z.union([
    action,
    z.strictObject({
      action,
      classes: oneOrMore(known).optional().describe('Only these classes.'),
      exceptClasses: oneOrMore(known).optional().describe('Not these classes.'),
      minSeverity: z.enum(severities).default('low'),
      minConfidence: z.number().min(0).max(1).default(0.5).describe('How sure a finding has to be, from 0 to 1.'),
      overridable: z
        .boolean()
        .default(false)
        .describe('A guardrail of an inner level that names this detector takes the place of this line.'),
      except: except.prefault({}),
    }),
  ]);
}

export type DetectorUseConfig = z.output<ReturnType<typeof use>>;

const expression = z
  .string()
  .min(1)
  .max(512)
  .superRefine((text, context) => {
    const problem = patternProblem(text);
    if (problem !== undefined)
      context.addIssue({ code: 'custom', message: `is no regular expression of RE2: ${problem}` });
  });

const wordList = z
  .strictObject({
    words: z.array(z.string().min(2).max(256)).max(10_000).default([]).describe('Words, without case and accents.'),
    patterns: z.array(expression).max(100).default([]).describe('Regular expressions (RE2).'),
    action,
  })
  .refine((value) => value.words.length + value.patterns.length > 0, 'must have words or patterns');

type DetectorId = (typeof fixedDetectors)[number]['id'];

const detectorKeys = Object.fromEntries(
  fixedDetectors.map(({ id, summary, classes }) => [
    id,
    use(classes(undefined).map((each) => each.id))
      .optional()
      .describe(summary),
  ]),
) as Record<DetectorId, z.ZodOptional<ReturnType<typeof use>>>;

export const guardrail = z.strictObject({
  ...detectorKeys,
  patterns: z
    .record(name, wordList)
    .default({})
    .describe('Words and patterns of your own, each list under a label that records show.'),
  restore: oneOrMore(name)
    .optional()
    .describe('Servers to which placeholders of this guardrail go as the values that they stand for.'),
  onUnscanned: z
    .enum(['observe', 'warn', 'block'])
    .default('block')
    .describe('What becomes of content of which a part could not be looked at.'),
  report: z
    .boolean()
    .default(false)
    .describe(
      'The client is told in _meta of each result what was found in the call and in the result: detector, class, action and number, never the value.',
    ),
});

export const guardrails = z
  .record(
    name.refine(
      (value) => value !== 'recommended',
      'must not be called recommended: the name of the built-in guardrail',
    ),
    guardrail,
  )
  .describe('Named guardrails, for several connections. `recommended` is built in.');

const reference = z.union([name, guardrail]);

/** A name, a guardrail, or one for each direction. */
export const guardrailReference = z.union([
  name,
  z.strictObject({
    request: reference.optional().describe('For what clients send to the server.'),
    response: reference.optional().describe('For what the server sends to clients.'),
  }),
  guardrail,
]);

export type GuardrailConfig = z.output<typeof guardrail>;
export type GuardrailReference = z.output<typeof guardrailReference>;
