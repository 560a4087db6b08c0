/** The text of a client's configuration to plain values: JSON with comments, TOML, YAML. */
import { plain } from '../../config/located.ts';
import { parseYaml } from '../../config/yaml.ts';
import { isObject, type JsonObject, parseJsonText } from '../../protocol/json.ts';

export type Syntax = 'json' | 'toml' | 'yaml';

export type ParsedText =
  | { readonly ok: true; readonly root: JsonObject }
  | { readonly ok: false; readonly problem: string };

export const maxClientBytes = 16 * 1024 ** 2;

export function syntaxOf(path: string): Syntax {
  if (/\.toml$/i.test(path)) return 'toml';
  return /\.ya?ml$/i.test(path) ? 'yaml' : 'json';
}

export async function parseText(text: string, syntax: Syntax): Promise<ParsedText> {
  const bare = text.replace(/^\uFEFF/, '');
  const found = syntax === 'json' ? fromJson(bare) : syntax === 'toml' ? await fromToml(bare) : fromYaml(bare);
  if (!found.ok) return found;
  return isObject(found.root) ? found : { ok: false, problem: 'it is not a map' };
}

function fromJson(text: string): ParsedText {
  const parsed = parseJsonText(withoutComments(text), { depth: 64, looseText: true });
  return parsed.ok
    ? { ok: true, root: parsed.value as JsonObject }
    : { ok: false, problem: `it is not JSON (${parsed.fault})` };
}

async function fromToml(text: string): Promise<ParsedText> {
  const { parse } = await import('smol-toml');
  try {
    return { ok: true, root: JSON.parse(JSON.stringify(parse(text))) as JsonObject };
  } catch (error) {
    const [first = ''] = (error as Error).message.split('\n');
    return { ok: false, problem: `it is not TOML (${first})` };
  }
}

function fromYaml(text: string): ParsedText {
  const parsed = parseYaml(text, 'client');
  return parsed.ok
    ? { ok: true, root: plain(parsed.root) as JsonObject }
    : { ok: false, problem: `it is not YAML (${parsed.diagnostics[0]?.problem ?? ''})` };
}

/** Takes out `//` and block comments and commas before a closing bracket, as the editors that write these files do. */
export function withoutComments(text: string): string {
  // As long as before, so that places in the one are places in the other.
  const token = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g;
  const bare = text.replace(token, (match) => (match.startsWith('"') ? match : match.replace(/[^\n]/g, ' ')));
  return bare.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (match) => (match === ',' ? ' ' : match));
}
