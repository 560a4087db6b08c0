/** What points a client at the gateway: an entry in its own format, and its file with that entry in place of the others. */
import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '../../protocol/json.ts';
import type { ClientKind, Collection } from './found.ts';
import type { Imported } from './index.ts';
import { spanOf } from './span.ts';
import { parseText, type Syntax } from './syntax.ts';

export interface GatewayAddress {
  readonly url: string;
  readonly key: string;
  /** For clients that only start commands. */
  readonly command: readonly [program: string, ...args: string[]];
}

const name = 'sallyport';

/** The entry of the gateway, as this client writes one. */
export function gatewayEntry(kind: ClientKind, { url, key, command }: GatewayAddress): JsonObject {
  const headers = { Authorization: `Bearer ${key}` };
  const [program, ...args] = command;
  switch (kind) {
    case 'claude-desktop':
    case 'amazonq':
      return { command: program, args, env: { SALLYPORT_API_KEY: key } };
    case 'windsurf':
    case 'antigravity':
      return { serverUrl: url, headers };
    case 'gemini':
      return { httpUrl: url, headers };
    case 'opencode':
      return { type: 'remote', url, headers, enabled: true };
    case 'codex':
      return { url, http_headers: headers };
    case 'cline':
      return { type: 'streamableHttp', url, headers };
    case 'continue':
      return { name, type: 'streamable-http', url, requestOptions: { headers } };
    case 'zed':
    case 'amp':
    case 'kiro':
    case 'cursor':
      return { url, headers };
    case 'claude-code':
    case 'vscode':
    case 'other':
      return { type: 'http', url, headers };
  }
}

/** To print: the entry with the keys around it. */
export function snippet({ syntax, collections }: Imported, entry: JsonObject): string {
  const { at } = mainOf(collections);
  if (syntax === 'toml') return tomlTable(at, entry);
  const value: Json = syntax === 'yaml' ? [entry] : { [name]: entry };
  if (syntax === 'yaml') return `${at.join('.')}:\n${yamlList([entry])}`;
  return JSON.stringify(
    at.toReversed().reduce<Json>((inner, key) => ({ [key]: inner }), value),
    undefined,
    2,
  );
}

export type Edited = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: string };

/**
 * The file with the gateway in place of the servers that were taken over. Everything else stays as it is, comments
 * included; the result is read again, and is not used unless it says exactly that.
 */
export async function pointAtGateway(text: string, imported: Imported, entry: JsonObject): Promise<Edited> {
  const { syntax, root, collections } = imported;
  const edits = collections
    .filter(({ project }) => project === undefined)
    .map((collection) => ({ collection, value: valueOf(collection, imported, entry) }));
  const edited = edits.reduce((before, { collection, value }) => editOne(before, collection, value, syntax), text);
  const wanted = edits.reduce((before, { collection: { at }, value }) => withValue(before, at, value), root);
  const parsed = await parseText(edited, syntax);
  return parsed.ok && isDeepStrictEqual(plainOf(parsed.root), plainOf(wanted))
    ? { ok: true, text: edited }
    : { ok: false, problem: 'its layout is not one that can be edited safely' };
}

/** Parsers differ in prototypes. */
function plainOf(value: JsonObject): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

function mainOf(collections: readonly Collection[]): Collection {
  const found = collections.find(({ project }) => project === undefined) ?? collections[0];
  if (found === undefined) throw new Error('a client without servers is not imported');
  return found.project === undefined ? found : { at: ['mcpServers'], entries: [] };
}

/** What was left out stays with the client. */
function valueOf(collection: Collection, { syntax, collections, left }: Imported, entry: JsonObject): Json {
  const kept = collection.entries.filter(([each]) => left.has(each));
  const isMain = collection === mainOf(collections);
  if (syntax === 'yaml') return [...kept.map(([, value]) => value), ...(isMain ? [entry] : [])];
  return Object.fromEntries([...kept, ...(isMain ? [[name, entry] as const] : [])]);
}

function editOne(text: string, { at, entries }: Collection, value: Json, syntax: Syntax): string {
  if (syntax === 'toml') return editToml(text, at, entries, value as JsonObject);
  if (syntax === 'yaml') return editYaml(text, at, value as readonly JsonObject[]);
  const span = spanOf(text, at);
  if (span === undefined) return text;
  const indent = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', span.start) + 1))?.[0] ?? '';
  const written = JSON.stringify(value, undefined, 2).replaceAll('\n', `\n${indent}`);
  return text.slice(0, span.start) + written + text.slice(span.end);
}

function withValue(root: JsonObject, at: readonly string[], value: Json): JsonObject {
  const [key = '', ...rest] = at;
  return { ...root, [key]: rest.length === 0 ? value : withValue(root[key] as JsonObject, rest, value) };
}

/** Tables of taken servers go with everything up to the next table; the new one comes last. */
function editToml(text: string, at: readonly string[], entries: Collection['entries'], value: JsonObject): string {
  const gone = new Set(entries.map(([each]) => each).filter((each) => !Object.hasOwn(value, each)));
  const header = /^\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}/;
  let isGone = false;
  const kept = text.split('\n').filter((line) => {
    const [, table] = header.exec(line) ?? [];
    if (table !== undefined) {
      const keys = [...table.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
      isGone = at.every((key, index) => keys[index] === key) && gone.has(keys[at.length] ?? '');
    }
    return !isGone;
  });
  const entry = value[name];
  const rest = kept.join('\n').replace(/\n*$/, '\n');
  return entry === undefined ? rest : `${rest}\n${tomlTable(at, entry as JsonObject)}\n`;
}

function tomlTable(at: readonly string[], entry: JsonObject): string {
  const inline = (value: Json): string => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (Array.isArray(value)) return `[${(value as readonly Json[]).map(inline).join(', ')}]`;
    const members = Object.entries(value as JsonObject).map(
      ([key, each]) => `${JSON.stringify(key)} = ${inline(each)}`,
    );
    return `{ ${members.join(', ')} }`;
  };
  return [
    `[${[...at, name].join('.')}]`,
    ...Object.entries(entry).map(([key, value]) => `${key} = ${inline(value)}`),
  ].join('\n');
}

/** JSON is YAML. A list at the top of the file ends with the next line that begins with a key. */
function editYaml(text: string, at: readonly string[], value: readonly JsonObject[]): string {
  const key = at.join('.');
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (start === -1) return text;
  const length = lines.slice(start + 1).findIndex((line) => /^[^\s#-]/.test(line));
  const end = length === -1 ? lines.length : start + 1 + length;
  const list = value.length === 0 ? [`${key}: []`] : [`${key}:`, yamlList(value)];
  return [...lines.slice(0, start), ...list, ...lines.slice(end), ...(end === lines.length ? [''] : [])].join('\n');
}

function yamlList(entries: readonly JsonObject[]): string {
  return entries
    .map((entry) =>
      Object.entries(entry)
        .map(([key, value], index) => `${index === 0 ? '  - ' : '    '}${key}: ${JSON.stringify(value)}`)
        .join('\n'),
    )
    .join('\n');
}
