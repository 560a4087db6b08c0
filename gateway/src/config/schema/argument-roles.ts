/** Roles of arguments: what a value stands for in the system behind a tool, and where it must lie. */
import { z } from 'zod';
import { sqlDialects, sqlStatements } from '../../pipeline/contracts/argument-roles.ts';
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

/** Elements whose content other readers read otherwise (HTML standard, 13.2.6), and those that bring programs. */
const rawElements: ReadonlySet<string> = new Set(
  'script style title textarea xmp iframe noembed noframes noscript plaintext svg math template object embed base link meta form frame frameset html head body select option table'.split(
    ' ',
  ),
);

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
  z.strictObject({
    role: z.literal('sql'),
    dialect: z
      .enum(sqlDialects)
      .describe('What the database reads. All but postgresql need the package node-sql-parser beside the gateway.'),
    statements: oneOrMore(z.enum(sqlStatements)).default(['select']),
    tables: oneOrMore(
      z
        .string()
        .max(256)
        .regex(/^[^\s.;"'`]+(?:\.[^\s.;"'`]+)?$/, 'must be a table, or schema.table; * stands for any name'),
    ).describe('Tables that the statement may name, as `name` or `schema.name`.'),
    functions: oneOrMore(
      z
        .string()
        .max(256)
        .regex(/^[\w.]+$/),
    )
      .default([])
      .describe('Functions beside the usual ones, which compute and do nothing else.'),
  }),
  z.strictObject({
    role: z.literal('shell'),
    programs: z
      .record(
        z.string().regex(/^[\w./+-]{1,128}$/, 'must be the name or path of a program'),
        z.array(z.string().min(1).max(256)).max(200),
      )
      .refine((programs) => Object.keys(programs).length > 0, 'must name a program')
      .describe(
        'Programs, each with what its arguments may be; * stands for any characters, and for none in front of a -.',
      ),
  }),
  z.strictObject({
    role: z.literal('html'),
    elements: oneOrMore(
      z
        .string()
        .regex(/^[a-z][a-z0-9]{0,31}$/, 'must be the name of an element in lower case')
        .refine((element) => !rawElements.has(element), 'must not be an element whose content is no HTML, or is run'),
    ),
    attributes: oneOrMore(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be the name of an attribute in lower case')
        .refine(
          (attribute) => !/^on|^style$|^srcdoc$|^srcset$|^ping$/.test(attribute),
          'must not be an attribute that runs or hides something',
        ),
    ).default([]),
    schemes: oneOrMore(z.string().regex(/^[a-z][a-z0-9+.-]{0,31}$/)).default(['https', 'mailto']),
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
