/**
 * What arguments of a tool may stand for, by their names and schemas: for a person to look at. Nothing of it is in force, as a
 * name is only what the server says.
 */
import type { ServerConfig } from '../config/schema/servers.ts';
import type { ArgumentRole } from '../pipeline/contracts/argument-roles.ts';
import { asText, isObject, type Json, type JsonObject } from '../protocol/json.ts';

export interface RoleProposal {
  readonly tool: string;
  /** Name of the argument, or JSON pointer into the arguments. */
  readonly argument: string;
  readonly role: ArgumentRole['role'];
  /** What the role needs from a person stands there as `…`. */
  readonly line: string;
}

interface Kind {
  readonly role: ArgumentRole['role'];
  /** Of the name in lower case, with `_` between its words. */
  readonly name: RegExp;
  readonly format?: RegExp;
  readonly types: readonly string[];
  /** Of names that mean this at some tools only. */
  readonly tool?: RegExp;
  readonly line: (folders: readonly string[], schema: JsonObject) => string;
}

const texts = ['string'];
/** Of several that fit the first counts. */
const kinds: readonly Kind[] = [
  {
    role: 'sql',
    name: /^(?:sql|sql_?query|query_?sql|statement|query)$/,
    types: texts,
    tool: /\b(?:sql|database|select|postgres\w*|mysql|sqlite|bigquery|snowflake)\b/i,
    line: () => '{ role: sql, dialect: …, statements: [select], tables: […] }',
  },
  {
    role: 'shell',
    name: /^(?:command|cmd|shell|shell_?command|bash|command_?line|script)$/,
    types: texts,
    line: () => '{ role: shell, programs: { … } }',
  },
  {
    role: 'url',
    name: /^(?:url|urls|uri|link|href|endpoint|webhook|callback|(?:\w+_)?(?:url|uri|webhook))$/,
    format: /^(?:uri|url|iri)$/,
    types: texts,
    line: () => '{ role: url, hosts: […] }',
  },
  {
    role: 'host',
    name: /^(?:host|hostname|domain|(?:\w+_)?(?:host|hostname|domain))$/,
    format: /^(?:hostname|idn-hostname|ipv4|ipv6)$/,
    types: texts,
    line: () => '{ role: host, hosts: […] }',
  },
  {
    role: 'path',
    name: /^(?:(?:\w+_)?(?:path|paths|file|files|filename|filepath|dir|directory|folder|cwd)|source|destination)$/,
    types: texts,
    line: (folders) => `{ role: path, under: [${folders.length === 0 ? '…' : folders.join(', ')}] }`,
  },
  {
    role: 'html',
    name: /^(?:html|\w+_html|html_\w+)$/,
    types: texts,
    line: () => '{ role: html, elements: [p, a, ul, ol, li, strong, em], attributes: [href] }',
  },
  {
    role: 'date',
    name: /^(?:date|since|until|from_date|to_date|(?:\w+_)?(?:date|datetime)|(?:start|end)_time)$/,
    format: /^(?:date|date-time)$/,
    types: texts,
    line: () => '{ role: date, after: -1y, before: +1y }',
  },
  {
    role: 'limit',
    name: /^(?:limit|count|top_?k|top_?n|max_?\w*|\w+_limit|page_?size|per_?page|num_\w+|size|timeout)$/,
    types: ['integer', 'number'],
    line: (_folders, { maximum }) =>
      `{ role: limit, max: ${typeof maximum === 'number' ? maximum : 100}, clamp: true }`,
  },
  {
    role: 'identifier',
    name: /^(?:id|uuid|slug|\w+_(?:id|uuid|key|slug)|(?:issue|task|ticket)_?number)$/,
    format: /^uuid$/,
    types: texts,
    line: () => '{ role: identifier }',
  },
];

/** Levels of a schema, and proposals of one tool. */
const maxDepth = 3;
const maxProposals = 50;

/** Of arguments to which the operator has given no role. */
export function proposedRoles(definition: JsonObject, config: ServerConfig): readonly RoleProposal[] {
  const tool = asText(definition.name);
  const told = Object.hasOwn(config.tools, tool) ? config.tools[tool]?.arguments : undefined;
  const folders = 'command' in config ? config.command.slice(1).filter((word) => /^\/[\w./-]*$/.test(word)) : [];
  const about = `${tool} ${asText(definition.description)}`.replaceAll('_', ' ');
  const found: RoleProposal[] = [];
  const walk = (schema: JsonObject, path: readonly string[]): void => {
    if (!isObject(schema.properties) || path.length >= maxDepth * 2) return;
    for (const [name, member] of Object.entries(schema.properties)) {
      if (!isObject(member) || found.length >= maxProposals) continue;
      const at = [...path, name];
      const inner = isObject(member.items) ? member.items : member;
      const argument = at.length === 1 ? name : `/${at.join('/')}`;
      const kind = told !== undefined && Object.hasOwn(told, argument) ? undefined : kindOf(name, inner, about);
      if (kind !== undefined)
        found.push({ tool, argument, role: kind.role, line: kind.line(kind.role === 'path' ? folders : [], inner) });
      walk(inner, inner === member ? at : [...at, '*']);
    }
  };
  if (isObject(definition.inputSchema)) walk(definition.inputSchema, []);
  return found;
}

function kindOf(written: string, schema: JsonObject, about: string): Kind | undefined {
  // What can only be one of some values needs no bounds.
  if (schema.enum !== undefined || schema.const !== undefined) return undefined;
  const name = written
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  const format = asText(schema.format);
  const types = typesOf(schema);
  return kinds.find(
    (kind) =>
      (types.length === 0 || types.some((type) => kind.types.includes(type))) &&
      (kind.tool === undefined || name.includes('sql') || kind.tool.test(about)) &&
      (kind.name.test(name) || (format !== '' && kind.format?.test(format) === true)),
  );
}

function typesOf({ type, anyOf }: JsonObject): readonly string[] {
  const listed = Array.isArray(type) ? (type as readonly Json[]) : [type ?? null];
  const either = Array.isArray(anyOf)
    ? (anyOf as readonly Json[]).map((each) => (isObject(each) ? each.type : null))
    : [];
  return [...listed, ...either].filter((each) => typeof each === 'string');
}
