/** `console`: what operators use on the admin listener. */
import { z } from 'zod';
import { operatorRoles } from '../../operators/roles.ts';
import { name } from './units.ts';

const groupRole = z
  .strictObject({
    issuer: name.describe('An issuer of `authentication.issuers` with `signIn`.'),
    group: z.string().min(1).max(256).describe('As its ID tokens name it.'),
    role: z.enum(operatorRoles),
    servers: z
      .array(name)
      .min(1)
      .max(1_000)
      .optional()
      .describe('Servers whose approvals these operators see and decide; absent: all.'),
  })
  .describe('Who has this group is an operator when it signs in at the issuer.');

export const consoleSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: the admin listener has health, readiness and metrics only.'),
    groups: z
      .array(groupRole)
      .max(100)
      .default([])
      .describe('Operators by groups of an issuer. Of several entries that fit, the first counts.'),
  })
  .describe('What operators use on the admin listener: the admin API and the pages.');

export type GroupRole = z.output<typeof groupRole>;
