/** Where a client keeps its servers within its file, and which client it is. */
import { basename } from 'node:path';
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import type { Syntax } from './syntax.ts';

export const clientKinds = [
  'claude-desktop',
  'claude-code',
  'windsurf',
  'cursor',
  'vscode',
  'gemini',
  'antigravity',
  'kiro',
  'amazonq',
  'opencode',
  'codex',
  'zed',
  'cline',
  'continue',
  'amp',
  'other',
] as const;
export type ClientKind = (typeof clientKinds)[number];

/** Servers that stand together in one place of the file. */
export interface Collection {
  /** Keys from the top of the file. */
  readonly at: readonly string[];
  readonly entries: readonly (readonly [name: string, entry: Json])[];
  /** The folder for which alone the client uses them. */
  readonly project?: string;
}

/** By where such files lie and how they are called, and by keys that only one client has. */
export function kindOf(path: string, root: JsonObject, syntax: Syntax): ClientKind {
  const place = path.replaceAll('\\', '/').toLowerCase();
  const byPlace: readonly (readonly [RegExp, ClientKind])[] = [
    [/\/claude_desktop_config\.json$/, 'claude-desktop'],
    [/\/\.?claude\.json$|\/\.mcp\.json$|\/managed-mcp\.json$/, 'claude-code'],
    [/\/antigravity\//, 'antigravity'],
    [/\/\.gemini\//, 'gemini'],
    [/\/\.codeium\/|windsurf/, 'windsurf'],
    [/\/\.kiro\//, 'kiro'],
    [/\/amazonq\//, 'amazonq'],
    [/opencode\.jsonc?$|\/opencode\//, 'opencode'],
    [/cline_mcp_settings\.json$/, 'cline'],
    [/\/\.cursor\//, 'cursor'],
    [/\/\.vscode\/|\/code\/user\//, 'vscode'],
    [/\/zed\/|\/\.zed\//, 'zed'],
  ];
  const found = byPlace.find(([pattern]) => pattern.test(place))?.[1];
  if (found !== undefined) return found;
  if (syntax === 'toml') return 'codex';
  if (syntax === 'yaml') return 'continue';
  if ('amp.mcpServers' in root) return 'amp';
  if (isObject(root['context_servers'])) return 'zed';
  if (isObject(root['servers']) || (isObject(root['mcp']) && isObject(root['mcp']['servers']))) return 'vscode';
  if (isObject(root['mcp']) && !isObject(root['mcpServers'])) return 'opencode';
  return 'other';
}

/** `undefined` where no client keeps servers like this. */
export function collectionsIn(root: JsonObject, kind: ClientKind): readonly Collection[] | undefined {
  const paths: readonly (readonly string[])[] = [
    ['mcpServers'],
    ['amp.mcpServers'],
    ['amp', 'mcpServers'],
    ['servers'],
    ['mcp', 'servers'],
    ['mcp', 'mcpServers'],
    ['context_servers'],
    ['mcp_servers'],
    ...(kind === 'opencode' ? [['mcp']] : []),
  ];
  const found = paths.flatMap((at): Collection[] => {
    const entries = entriesOf(at.reduce<Json | undefined>((value, key) => memberOf(value, key), root));
    return entries === undefined ? [] : [{ at, entries }];
  });
  const projects = isObject(root['projects']) ? Object.entries(root['projects']) : [];
  const ofProjects = projects.flatMap(([project, value]): Collection[] => {
    const entries = entriesOf(memberOf(value, 'mcpServers'));
    return entries === undefined ? [] : [{ at: ['projects', project, 'mcpServers'], entries, project }];
  });
  const all = [...found, ...ofProjects];
  return all.length === 0 ? undefined : all;
}

/** A map by name, or a list of entries that name themselves. */
function entriesOf(value: Json | undefined): Collection['entries'] | undefined {
  if (Array.isArray(value))
    return (value as readonly Json[]).map((entry, index) => {
      const name = isObject(entry) && typeof entry['name'] === 'string' ? entry['name'] : `server ${index + 1}`;
      return [name, entry];
    });
  return isObject(value) ? Object.entries(value) : undefined;
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Servers that the client has switched off by a list beside them. */
export function switchedOff(root: JsonObject): ReadonlySet<string> {
  const mcp = root['mcp'];
  const lists = [
    root['disabledMcpServers'],
    root['disabledMcpjsonServers'],
    isObject(mcp) && isStringList(mcp['excluded']) ? mcp['excluded'] : undefined,
  ];
  const names = new Set(lists.flatMap((list) => (isStringList(list) ? list : [])));
  const allowed = isObject(mcp) && isStringList(mcp['allowed']) ? new Set(mcp['allowed']) : undefined;
  if (allowed !== undefined)
    for (const [name] of collectionsIn(root, 'gemini')?.flatMap(({ entries }) => entries) ?? [])
      if (!allowed.has(name)) names.add(name);
  return names;
}

export function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Where a project's own file lies, its folder is the project. */
export function projectOf(path: string, home: string): string | undefined {
  const [, folder] = /^(.*)[/\\]\.(?:vscode|cursor|kiro[/\\]settings|gemini|zed|amazonq)[/\\][^/\\]+$/.exec(path) ?? [];
  const found = folder ?? (basename(path) === '.mcp.json' ? path.slice(0, -'/.mcp.json'.length) : undefined);
  return found === undefined || found === home || found === '' ? undefined : found;
}
