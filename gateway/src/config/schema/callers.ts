/** Who may call: users, agents and applications, with roles, trust and attributes. */
import { z } from 'zod';
import { authenticators } from '../../stages/authenticate/list.ts';
import { plugInKeys } from './plug-in.ts';
import { callerName, name, oneOrMore } from './units.ts';

const attributes = z
  .record(z.string().max(128), z.json())
  .default({})
  .describe('Anything that conditions ask about, as `caller.attributes.<name>`.');

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'must be a scope: printable, without blanks');

const ceiling = z
  .strictObject({
    servers: oneOrMore(name).optional().describe('No other servers than these.'),
    tools: oneOrMore(z.string().min(1).max(1024)).optional().describe('No other tools than these; `*` as in rules.'),
    prompts: oneOrMore(z.string().min(1).max(1024)).optional().describe('No other prompts than these.'),
    resources: oneOrMore(z.string().min(1).max(1024)).optional().describe('No other resources than these patterns.'),
  })
  .describe('The most that it may do, whatever connections say. With a user and an agent, both ceilings hold.');

const caller = z.strictObject({
  roles: z.array(name).default([]).describe('Roles of this caller.'),
  trust: z.enum(['untrusted', 'standard', 'trusted']).default('standard').describe('How far this caller is trusted.'),
  attributes,
  environment: name
    .optional()
    .describe('Such as production. A server that has one is reached from it only, unless a connection says otherwise.'),
  scopes: z
    .array(scope)
    .default([])
    .describe('Scopes that its API keys and certificates carry. A token carries its own.'),
  ceiling: ceiling.optional(),
});

const role = z.strictObject({
  includes: z.array(name).default([]).describe('Further roles of callers that have this one.'),
  groups: z
    .array(z.string().min(1).max(256))
    .default([])
    .describe('Groups, as tokens name them, whose members have this role.'),
});

export const callers = z
  .strictObject({
    users: z.record(callerName, caller).default({}).describe('People, by name.'),
    agents: z.record(callerName, caller).default({}).describe('Agents, by name.'),
    applications: z.record(callerName, caller).default({}).describe('Applications, by name.'),
    roles: z.record(name, role).default({}).describe('Roles that include others, or that groups of a token stand for.'),
  })
  .describe('Who may call. A key can only be made for a caller that is named here.');

const scopes = z
  .record(scope, z.strictObject({ implies: z.array(scope).min(1).describe('Narrower scopes that it stands for.') }))
  .default({})
  .describe('Scopes that imply others.');

export type Callers = z.output<typeof callers>;
export type Scopes = z.output<typeof scopes>;

export const authentication = z
  .strictObject({
    ...plugInKeys(authenticators),
    freeFailures: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10)
      .describe('Failed authentications of one source after which each further one costs it a growing pause.'),
    contentDigest: z
      .enum(['optional', 'required'])
      .default('optional')
      .describe('Whether a DPoP proof must cover the body. Where it does, it is always checked.'),
    scopes,
    scopesSupported: z
      .array(scope)
      .max(64)
      .default([])
      .describe('Scopes that a client should ask for first; in the metadata and in the challenge of a 401.'),
  })
  .describe('How callers prove who they are. API keys are always accepted.');
