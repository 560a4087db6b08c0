/** Reads the MCP servers out of the configuration of a client, whichever it is. */
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { type TakenServer, takeServer } from './entry.ts';
import { type ClientKind, type Collection, collectionsIn, kindOf, projectOf, switchedOff } from './found.ts';
import type { Surroundings } from './placeholders.ts';
import { parseText, type Syntax, syntaxOf } from './syntax.ts';
import type { Taken } from './taken.ts';

export interface ImportedServer extends TakenServer {
  readonly name: string;
}

export interface Imported {
  readonly kind: ClientKind;
  readonly syntax: Syntax;
  readonly root: JsonObject;
  readonly collections: readonly Collection[];
  readonly servers: readonly ImportedServer[];
  /** Values that stood in the file, by the name under which the secret store is to keep them. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Environment variables that must be set, each with where it is used. */
  readonly variables: ReadonlyMap<string, string>;
  /** What is not as it was, and what was left out. */
  readonly notes: readonly string[];
  /** Names of the client that were left out: they stay where they are. */
  readonly left: ReadonlySet<string>;
}

export type ImportResult =
  | { readonly ok: true; readonly imported: Imported }
  | { readonly ok: false; readonly problem: string };

export interface ImportOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

const maxServers = 1_000;

/** `path`: absolute; it tells the client, and the folder of a project. */
export async function importClient(text: string, path: string, { env, home }: ImportOptions): Promise<ImportResult> {
  const syntax = syntaxOf(path);
  const parsed = await parseText(text, syntax);
  if (!parsed.ok) return parsed;
  const { root } = parsed;
  const kind = kindOf(path, root, syntax);
  const collections = collectionsIn(root, kind);
  if (collections === undefined)
    return { ok: false, problem: 'it has no servers: no mcpServers, servers, mcp, mcp_servers or context_servers' };
  const taken: Taken = { secrets: new Map(), variables: new Map(), notes: [] };
  const servers: ImportedServer[] = [];
  const left = new Set<string>();
  const off = switchedOff(root);
  const around: Surroundings = { kind, env, project: projectOf(path, home), inputs: inputsOf(root) };
  const all = collections.flatMap((collection) => collection.entries.map((entry) => ({ collection, entry })));
  if (all.length > maxServers) taken.notes.push(`only the first ${maxServers} servers are taken over`);
  for (const { collection, entry } of all.slice(0, maxServers)) {
    const [original, value] = entry;
    const { project } = collection;
    const name = serverName(original, servers);
    if (name !== original) taken.notes.push(`"${original}" is called "${name}", as names appear in URLs`);
    if (project !== undefined)
      taken.notes.push(`${name} was for ${project} alone, so it is inactive here: the client keeps it`);
    const isOff = project !== undefined || off.has(original);
    const found = takeServer(name, value, {
      taken,
      around: { ...around, project: project ?? around.project },
      off: isOff,
    });
    if (found === undefined) left.add(original);
    else servers.push({ name, ...found });
  }
  return { ok: true, imported: { kind, syntax, root, collections, servers, ...taken, left } };
}

function inputsOf(root: JsonObject): ReadonlyMap<string, JsonObject> {
  const mcp = isObject(root['mcp']) ? root['mcp'] : {};
  const lists = [root['inputs'], mcp['inputs']].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []));
  return new Map(
    lists.flatMap((input) => {
      const each = input as JsonObject;
      return isObject(each) && typeof each['id'] === 'string' ? [[each['id'], each] as const] : [];
    }),
  );
}

function serverName(original: string, before: readonly ImportedServer[]): string {
  const clean = original
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '')
    .slice(0, 60);
  const base = clean.replace(/[^A-Za-z0-9]+$/, '') || 'server';
  let name = base;
  for (let count = 2; before.some((each) => each.name === name); count++) name = `${base}-${count}`;
  return name;
}
