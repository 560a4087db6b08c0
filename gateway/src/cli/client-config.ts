/**
 * Reads the MCP servers out of the configuration of a client (`mcpServers`, `servers`, `context_servers`), and takes the
 * secrets out of them: each becomes a reference, and only its name is kept.
 */
import { isObject, type JsonObject, parseJsonText } from '../protocol/json.ts';

export interface ImportedServer {
  readonly name: string;
  /** As it goes into the file of the gateway. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Imported {
  readonly servers: readonly ImportedServer[];
  /** Environment variables that must be set, each with where its value stood. */
  readonly secrets: ReadonlyMap<string, string>;
  /** What could not be taken over. */
  readonly notes: readonly string[];
}

export type ImportResult =
  | { readonly ok: true; readonly imported: Imported }
  | { readonly ok: false; readonly problem: string };

const maxServers = 1_000;

export function importClientConfig(text: string): ImportResult {
  const parsed = parseJsonText(withoutComments(text.replace(/^\uFEFF/, '')), { depth: 32 });
  if (!parsed.ok) return { ok: false, problem: `it is not JSON (${parsed.fault})` };
  const found = isObject(parsed.value) ? serversIn(parsed.value) : undefined;
  if (found === undefined)
    return { ok: false, problem: 'it has neither "mcpServers" nor "servers" nor "context_servers"' };
  const secrets = new Map<string, string>();
  const notes: string[] = [];
  const servers: ImportedServer[] = [];
  for (const [original, entry] of Object.entries(found).slice(0, maxServers)) {
    const name = serverName(original, servers);
    if (name !== original) notes.push(`"${original}" is called "${name}", as names appear in URLs`);
    const config = isObject(entry) ? serverOf(name, entry, secrets) : undefined;
    if (config === undefined) notes.push(`"${original}" has neither a command nor a URL and was left out`);
    else servers.push({ name, config });
  }
  return { ok: true, imported: { servers, secrets, notes } };
}

function serversIn(root: JsonObject): JsonObject | undefined {
  for (const key of ['mcpServers', 'servers', 'context_servers']) {
    const value = root[key];
    if (isObject(value)) return value;
  }
  return isObject(root['mcp']) ? serversIn(root['mcp']) : undefined;
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

function serverOf(name: string, entry: JsonObject, secrets: Map<string, string>): Record<string, unknown> | undefined {
  const url = [entry['url'], entry['serverUrl'], entry['httpUrl']].find((value) => typeof value === 'string');
  const nested = isObject(entry['command']) ? entry['command'] : entry;
  const command = nested === entry ? entry['command'] : nested['path'];
  const take = (variable: string, where: string): string => {
    secrets.set(variable, where);
    return `\${env:${variable}}`;
  };
  if (typeof command === 'string' && command !== '') {
    const words = Array.isArray(nested['args']) ? (nested['args'] as readonly unknown[]).map(String) : [];
    const env = isObject(nested['env']) ? nested['env'] : {};
    const config: Record<string, unknown> = { command: [command, ...safeArguments(name, words, take)] };
    if (typeof entry['cwd'] === 'string') config['cwd'] = entry['cwd'];
    if (Object.keys(env).length > 0) config['env'] = safeVariables(name, env, take);
    return config;
  }
  if (typeof url !== 'string') return undefined;
  const config: Record<string, unknown> = { url };
  if (entry['type'] === 'sse') config['transport'] = 'sse';
  const headers = isObject(entry['headers']) ? entry['headers'] : {};
  if (Object.keys(headers).length > 0) config['headers'] = safeHeaders(name, headers, take);
  return config;
}

type Take = (variable: string, where: string) => string;

const secretWord = /(?:token|secret|passw(?:or)?d|pwd|api_?-?key|access_?-?key|private_?-?key|credential|auth)/i;
/** Shapes of well-known tokens, and long texts that mix letters and digits without a space or a slash. */
const tokenShape =
  /^(?:sk-|pk-|gh[pousr]_|github_pat_|glpat-|xox[abpr]-|AKIA|eyJ|Bearer )|^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+_=-]{24,}$/;
const urlWithPassword = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]+:[^/\s@]+@/i;

function isSecret(name: string, value: string): boolean {
  return value !== '' && (secretWord.test(name) || tokenShape.test(value) || urlWithPassword.test(value));
}

/** `${env:X}` is ours already; `${input:x}` and `${X}` are what other clients write for a value that stands elsewhere. */
function reference(value: string, take: Take, where: string): string | undefined {
  const [, kind, inner] = /^(Bearer )?\$\{(?:(?:env|input):)?([A-Za-z_][A-Za-z0-9_-]*)\}$/.exec(value) ?? [];
  return inner === undefined ? undefined : (kind ?? '') + take(variableName(inner), where);
}

function variableName(...parts: readonly string[]): string {
  const text = parts
    .join('_')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toUpperCase();
  return /^[A-Z]/.test(text) ? text.slice(0, 128) : `VALUE_${text}`.slice(0, 128);
}

function safeVariables(name: string, env: JsonObject, take: Take): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([key, raw]) => {
      const value = typeof raw === 'string' ? raw : JSON.stringify(raw);
      const where = `env ${key} of ${name}`;
      return [key, reference(value, take, where) ?? (isSecret(key, value) ? take(variableName(key), where) : value)];
    }),
  );
}

function safeHeaders(name: string, headers: JsonObject, take: Take): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([key, raw]) => {
      const value = typeof raw === 'string' ? raw : JSON.stringify(raw);
      const where = `header ${key} of ${name}`;
      const known = reference(value, take, where);
      if (known !== undefined || !(isSecret(key, value) || key.toLowerCase() === 'cookie'))
        return [key, known ?? value];
      const scheme = /^(Bearer|Basic|Token) /i.exec(value)?.[0] ?? '';
      return [key, scheme + take(variableName(name, key), where)];
    }),
  );
}

/** `--token VALUE`, `--token=VALUE`, `TOKEN=VALUE`, and values that look like a secret by themselves. */
function safeArguments(name: string, words: readonly string[], take: Take): string[] {
  let flag = '';
  return words.map((word, index) => {
    const [, key = '', value] = /^(-{0,2}[A-Za-z][\w.-]*)=(.*)$/s.exec(word) ?? [];
    const before = flag;
    flag = word.startsWith('-') && value === undefined ? word : '';
    const where = `argument ${index + 1} of ${name}`;
    if (value !== undefined && isSecret(key, value)) return `${key}=${take(variableName(name, key), where)}`;
    const secret = value === undefined && !word.startsWith('-') && isSecret(before, word);
    if (!secret) return reference(word, take, where) ?? word;
    return take(variableName(name, before === '' ? `argument ${index + 1}` : before), where);
  });
}

/** Takes out `//` and block comments and commas before a closing bracket, as the editors that write these files do. */
export function withoutComments(text: string): string {
  const token = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g;
  const bare = text.replace(token, (match) => (match.startsWith('"') ? match : ' '));
  return bare.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (match) => (match === ',' ? '' : match));
}
