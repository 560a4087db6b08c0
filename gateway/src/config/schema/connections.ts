/** Connections: which callers reach which server, and the rules for what they may use there. */
import { z } from 'zod';
import { contentTypes } from '../../protocol/content.ts';
import { approval } from './approvals.ts';
import { countries } from './countries.ts';
import { guardrailReference } from './guardrails.ts';
import { limitsOfCalls } from './limits.ts';
import { pointer } from './pointer.ts';
import { tier, toolTag } from './servers.ts';
import { callerName, name, oneOrMore } from './units.ts';
import { hours, networks } from './windows.ts';

const condition = z.string().min(1).max(4096);
const pattern = z.string().min(1).max(1024);

/** Tools by what they are. Of two keys both must hold; of a list, any entry. */
const traits = z
  .strictObject({
    tier: oneOrMore(tier).optional().describe('Tools of this tier.'),
    tag: oneOrMore(toolTag).optional().describe('Tools with this tag.'),
  })
  .refine((value) => value.tier !== undefined || value.tag !== undefined, 'must say tier or tag');

/** Names in which `*` stands for any characters; for tools also what they are. */
const subject = oneOrMore(z.union([pattern, traits]));

/** `{ allow: [a, b], when: … }`: exactly one effect. */
const rule = z
  .strictObject({
    allow: subject.optional().describe('Let through.'),
    deny: subject.optional().describe('Refuse, whatever other rules say.'),
    hold: subject.optional().describe('A person must approve.'),
    observe: subject.optional().describe('Let through, and say so in the record.'),
    when: condition.optional().describe('A CEL expression. The rule matches only where it is true.'),
    message: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe(
        'What the model is told when the rule denies or holds, or when its `when` does not let a call through.',
      ),
    approval: approval.optional().describe('How the calls that the rule holds are approved. Only with hold.'),
    mask: oneOrMore(pointer)
      .optional()
      .describe(
        'JSON pointers, in which * stands for any name or index, to what results must not show. Only with allow or observe.',
      ),
    unless: condition
      .optional()
      .describe('A CEL expression: nothing is masked where it is true. What cannot be evaluated masks.'),
    maskText: z
      .enum(['withhold', 'keep'])
      .optional()
      .describe('What becomes of content in which nothing can be masked, as it is no JSON. Withheld by default.'),
    guardrails: guardrailReference
      .optional()
      .describe(
        'What is looked for in the content of all calls that the rule names, whatever `when` says of their arguments. Not with deny.',
      ),
    includeNew: z
      .boolean()
      .optional()
      .describe(
        'What the rule names is there before it is approved, as long as nothing of that name was approved or rejected and no detector finds anything in it. Not with deny.',
      ),
    scopes: oneOrMore(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'must be a scope'))
      .optional()
      .describe('Scopes that the caller must have, all of them. Only with allow or observe.'),
  })
  .refine(
    (value) => value.scopes === undefined || (value.deny === undefined && value.hold === undefined),
    'must say scopes only with allow or observe: what closes does so whatever the scopes are',
  )
  .refine(
    (value) => value.guardrails === undefined || value.deny === undefined,
    'must say no guardrails with deny: what is denied is not sent',
  )
  .refine(
    (value) => value.includeNew !== true || value.deny === undefined,
    'must say no includeNew with deny: a deny concerns what is new anyway',
  )
  .refine((value) => value.approval === undefined || value.hold !== undefined, 'must say approval only with hold')
  .refine(
    (value) => value.mask === undefined || (value.deny === undefined && value.hold === undefined),
    'must say mask only with allow or observe: what closes gives no result',
  )
  .refine(
    (value) => value.mask !== undefined || (value.unless === undefined && value.maskText === undefined),
    'must say unless and maskText only with mask',
  )
  .refine(
    (value) =>
      [value.allow, value.deny, value.hold, value.observe].filter((effect) => effect !== undefined).length === 1,
    'must have exactly one of allow, deny, hold and observe',
  );

const named = rule.refine(
  ({ allow = [], deny = [], hold = [], observe = [] }) =>
    [...allow, ...deny, ...hold, ...observe].every((each) => typeof each === 'string'),
  'must name what it is about: only tools have a tier and tags',
);

const answer = z.enum(['allow', 'deny']);

export const connection = z.strictObject({
  name: z.string().min(1).max(128).describe('A name for people, records and metrics. Unique.'),
  from: z
    .strictObject({
      user: oneOrMore(callerName).optional().describe('One of these users.'),
      agent: oneOrMore(callerName).optional().describe('One of these agents.'),
      application: oneOrMore(callerName).optional().describe('One of these applications.'),
      role: oneOrMore(name).optional().describe('Callers with one of these roles.'),
      trust: z.enum(['standard', 'trusted']).optional().describe('Callers that are trusted at least this far.'),
      anyone: z.literal(true).optional().describe('Every authenticated caller.'),
    })
    .refine(
      (value) => Object.keys(value).some((key) => key !== 'trust'),
      'must say who: user, agent, application, role or anyone',
    )
    .describe('Who: every key that is given must match; of a list, any entry.'),
  to: oneOrMore(name).describe('The server, or servers.'),
  mode: z.enum(['enforce', 'observe']).default('enforce').describe('observe records decisions and lets calls through.'),
  guardrails: guardrailReference
    .optional()
    .describe('What is looked for in the content of calls, and what is done about it.'),
  hours: hours.optional(),
  networks: networks.optional(),
  countries: countries.optional(),
  environments: oneOrMore(name)
    .optional()
    .describe('Environments of servers to which it may lead from others. Without it, only from the same one.'),
  limits: limitsOfCalls.prefault([]).describe('For the calls of the callers that it leads to the server.'),
  content: oneOrMore(z.enum(contentTypes))
    .optional()
    .describe(
      'Types of content that results and prompts may hold. What is not listed is left out, with a note in its place.',
    ),
  schemes: oneOrMore(
    z.string().regex(/^[a-z][a-z0-9+.-]{0,31}$/, 'must be a URI scheme in lower case, without the colon'),
  )
    .optional()
    .describe('URI schemes of the links, embedded resources and pages to which results and input requests may point.'),
  tools: z.array(rule).prefault([]).describe('Rules for tools, by their original names, or by tier and tag.'),
  resources: z.array(named).prefault([]).describe('Rules for resources: patterns for URIs, see policy.md.'),
  prompts: z
    .array(named.refine((value) => value.mask === undefined, 'must say no mask: prompts are texts, and hold no fields'))
    .prefault([])
    .describe('Rules for prompts, by their original names.'),
  requests: z
    .strictObject({
      elicitation: answer.optional().describe('Ask the person for input. Allowed when no connection says otherwise.'),
      sampling: answer.optional().describe('Ask the model of the client. Denied when no connection allows it.'),
      roots: answer.optional().describe('Ask for the folders of the client. Denied when no connection allows it.'),
    })
    .default({})
    .describe('What the server may ask of the client during a call. A deny on any connection beats an allow.'),
});

export const connections = z
  .array(connection)
  .describe('Who reaches what. Without a connection a server does not exist.');

export type ConnectionConfig = z.output<typeof connection>;
export type RuleConfig = z.output<typeof rule>;
export type TraitsConfig = z.output<typeof traits>;
