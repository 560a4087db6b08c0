/** Roles of arguments: what a value stands for in the system behind a tool, and where it must lie. */
import { z } from 'zod';
import { oneOrMore } from './units.ts';

const folder = z
  .string()
  .max(1024)
  .regex(/^(?:\/|[A-Za-z]:[/\\])/, 'must be an absolute path');

const hosts = oneOrMore(
  z
    .string()
    .max(253)
    .regex(/^(?:\*\.)?[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$/, 'must be a host in lower case, or *. and a host'),
);

const privateHosts = z
  .enum(['allow', 'deny'])
  .default('deny')
  .describe('Whether addresses and names that are not public may stand there.');

const units: Readonly<Record<string, number>> = { d: 86_400_000, w: 604_800_000, m: 2_629_746_000, y: 31_556_952_000 };

/** `-1y`, `+90d`, or a date. */
const moment = z
  .string()
  .regex(/^(?:[+-]\d{1,4}[dwmy]|\d{4}-\d\d-\d\d)$/, 'must be a time from now such as -1y or +90d, or a date')
  .transform((text) => {
    const unit = units[text.at(-1) ?? ''];
    return unit === undefined ? { at: Date.parse(text) } : { fromNow: Number.parseInt(text, 10) * unit };
  });

const role = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('path'),
    under: oneOrMore(folder).describe('Absolute folders. A relative path is taken from the first one.'),
  }),
  z.strictObject({
    role: z.literal('url'),
    schemes: oneOrMore(z.string().regex(/^[a-z][a-z0-9+.-]{0,31}$/)).default(['https']),
    hosts: hosts.default([]).describe('Hosts that may stand there. Without them any public host.'),
    private: privateHosts,
  }),
  z.strictObject({ role: z.literal('host'), hosts: hosts.default([]), private: privateHosts }),
  z.strictObject({ role: z.literal('identifier'), maxLength: z.int().min(1).max(1_024).default(128) }),
  z
    .strictObject({ role: z.literal('date'), after: moment.optional(), before: moment.optional() })
    .refine(({ after, before }) => after !== undefined || before !== undefined, 'must say after or before'),
  z
    .strictObject({
      role: z.literal('limit'),
      min: z.number().optional(),
      max: z.number().optional(),
      clamp: z.boolean().default(false).describe('Put the bound in place of what is beyond it, instead of refusing.'),
    })
    .refine(({ min, max }) => min !== undefined || max !== undefined, 'must say min or max'),
]);

export const argumentRoles = z
  .record(z.string().min(1).max(256), role)
  .describe('By name of the argument, or JSON pointer into the arguments with * for any name or index.');
