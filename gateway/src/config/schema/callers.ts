/** Who may call: users, agents and applications, with roles, trust and attributes. */
import { z } from 'zod';
import { name } from './units.ts';

const attributes = z
  .record(z.string().max(128), z.json())
  .default({})
  .describe('Anything that conditions ask about, as `caller.attributes.<name>`.');

const caller = z.strictObject({
  roles: z.array(name).default([]).describe('Roles of this caller.'),
  trust: z.enum(['untrusted', 'standard', 'trusted']).default('standard').describe('How far this caller is trusted.'),
  attributes,
});

export const callers = z
  .strictObject({
    users: z.record(name, caller).default({}).describe('People, by name.'),
    agents: z.record(name, caller).default({}).describe('Agents, by name.'),
    applications: z.record(name, caller).default({}).describe('Applications, by name.'),
  })
  .describe('Who may call. A key can only be made for a caller that is named here.');

export const authentication = z
  .strictObject({
    anonymous: z
      .strictObject({
        user: name.optional().describe('A user named under callers.'),
        agent: name.optional().describe('An agent named under callers.'),
        application: name.optional().describe('An application named under callers.'),
      })
      .refine((value) => Object.keys(value).length > 0, 'must name the user, agent or application it stands for')
      .optional()
      .describe('The caller that a request without credentials stands for. Only while listening on loopback.'),
  })
  .describe('How callers prove who they are. API keys are always accepted.');
