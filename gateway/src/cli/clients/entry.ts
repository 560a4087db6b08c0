/** One server of a client, as the gateway has it. What is not taken over is told. */
import { isObject, type Json, type JsonObject } from '../../protocol/json.ts';
import { isStringList } from './found.ts';
import { type Taking, takeUrl, takeValue, takeWords } from './taken.ts';

export interface ToolRules {
  /** Names or patterns; without them all. */
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface TakenServer {
  /** As it goes into the file of the gateway. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly tools: ToolRules;
}

/** Keys that only say what the gateway does anyway, or how the client shows it. */
const silent = new Set(
  'name type transport source description icon gallery version env environment args command cwd url httpUrl serverUrl headers http_headers requestOptions disabled enabled disabledTools disabled_tools excludeTools enabledTools enabled_tools includeTools bearer_token_env_var env_http_headers env_vars id registry'.split(
    ' ',
  ),
);
const because: Readonly<Record<string, string>> = {
  autoApprove: 'calls that need no question there are no rules here',
  alwaysAllow: 'calls that need no question there are no rules here',
  trust: 'calls that need no question there are no rules here',
  envFile: 'name its variables under env, or as ${file:…}',
  timeout: 'see bounds in docs/bounds.md',
  startup_timeout_sec: 'see bounds in docs/bounds.md',
  tool_timeout_sec: 'see bounds in docs/bounds.md',
  connectionTimeout: 'see bounds in docs/bounds.md',
  auth: 'see credential in docs/credentials.md',
  oauth: 'see credential in docs/credentials.md',
  authProviderType: 'see credential in docs/credentials.md',
  apiKey: 'put it into headers, as the server wants it',
};

/** `undefined`, with a note, when nothing can be taken over. */
export function takeServer(
  name: string,
  entry: Json,
  taking: Taking & { readonly off: boolean },
): TakenServer | undefined {
  const leave = (why: string): undefined => void taking.taken.notes.push(`${name} is left out: it ${why}`);
  if (!isObject(entry)) return leave('is no map');
  const config = serverConfig(name, entry, taking);
  if (config === undefined) return leave('needs what the gateway does not know');
  if (Object.keys(config).length === 0) return leave('has neither a command nor a URL');
  for (const key of Object.keys(entry))
    if (!silent.has(key)) {
      const why = because[key];
      taking.taken.notes.push(`"${key}" of ${name} is not taken over${why === undefined ? '' : `: ${why}`}`);
    }
  const isOff = taking.off || entry['disabled'] === true || entry['enabled'] === false;
  if (isOff) taking.taken.notes.push(`${name} is switched off at the client, and here: status: inactive`);
  return { config: isOff ? { ...config, status: 'inactive' } : config, tools: toolRules(entry) };
}

function toolRules(entry: JsonObject): ToolRules {
  const list = (...keys: readonly string[]): readonly string[] =>
    keys.flatMap((key) => {
      const value = entry[key];
      return isStringList(value) ? value : [];
    });
  const allowing = ['enabledTools', 'enabled_tools', 'includeTools'];
  return {
    allow: allowing.some((key) => isStringList(entry[key])) ? list(...allowing) : ['*'],
    deny: list('disabledTools', 'disabled_tools', 'excludeTools'),
  };
}

type Config = Record<string, unknown>;

function serverConfig(name: string, entry: JsonObject, taking: Taking): Config | undefined {
  const nested = isObject(entry['command']) ? entry['command'] : entry;
  const command = nested === entry ? entry['command'] : nested['path'];
  const url = [entry['url'], entry['serverUrl'], entry['httpUrl']].find((each) => typeof each === 'string');
  if (isStringList(command) && command.length > 0) return stdioConfig(name, command, nested, entry, taking);
  if (typeof command === 'string' && command !== '') {
    const { args } = nested;
    const words = Array.isArray(args) ? (args as readonly Json[]).map(textOf) : [];
    return stdioConfig(name, [command, ...words], nested, entry, taking);
  }
  return typeof url === 'string' ? httpConfig(name, url, entry, taking) : {};
}

function stdioConfig(
  name: string,
  words: readonly string[],
  nested: JsonObject,
  entry: JsonObject,
  taking: Taking,
): Config | undefined {
  const command = takeWords(words, name, taking);
  if (command === undefined) return undefined;
  const passed = isStringList(entry['env_vars']) ? entry['env_vars'] : [];
  const env = takeTexts(
    { ...Object.fromEntries(passed.map((key) => [key, `\${env:${key}}`])), ...mapOf(nested, 'env', 'environment') },
    { server: name, what: 'env' },
    taking,
  );
  const given = typeof entry['cwd'] === 'string' ? entry['cwd'] : undefined;
  const cwd =
    given === undefined ? taking.around.project : takeValue(given, { server: name, what: 'cwd', key: '' }, taking);
  if (env === undefined || (given !== undefined && cwd === undefined)) return undefined;
  return {
    command,
    ...(cwd === undefined ? {} : { cwd }),
    ...(Object.keys(env).length === 0 ? {} : { env }),
  };
}

function httpConfig(name: string, text: string, entry: JsonObject, taking: Taking): Config | undefined {
  const url = takeUrl(text, name, taking);
  const options = isObject(entry['requestOptions']) ? entry['requestOptions'] : {};
  const bearer = entry['bearer_token_env_var'];
  const fromVariables = Object.entries(mapOf(entry, 'env_http_headers')).map(([key, value]) => [
    key,
    `\${env:${textOf(value)}}`,
  ]);
  const given = {
    ...mapOf(options, 'headers'),
    ...mapOf(entry, 'headers', 'http_headers'),
    ...(Object.fromEntries(fromVariables) as JsonObject),
    ...(typeof bearer === 'string' ? { Authorization: `Bearer \${env:${bearer}}` } : {}),
  };
  const headers = takeTexts(given, { server: name, what: 'header' }, taking);
  if (url === undefined || headers === undefined) return undefined;
  const isSse = entry['type'] === 'sse' || (taking.around.kind === 'gemini' && typeof entry['url'] === 'string');
  return {
    url,
    ...(isSse ? { transport: 'sse' } : {}),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}

function takeTexts(
  values: JsonObject,
  place: { readonly server: string; readonly what: string },
  taking: Taking,
): Record<string, string> | undefined {
  const done = Object.entries(values).map(
    ([key, value]) => [key, takeValue(textOf(value), { ...place, key }, taking)] as const,
  );
  if (done.some(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(done) as Record<string, string>;
}

function mapOf(parent: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.assign({}, ...keys.map((key) => (isObject(parent[key]) ? parent[key] : {}))) as JsonObject;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
