/**
 * Headers that mirror the body (2026-07-28, streamable HTTP; SEP-2243). The body decides; a header only confirms it.
 * Takes and returns plain values, reads no socket.
 */
import { isObject, type Json, type JsonObject, plainNumber } from './json.ts';
import { methods } from './methods.ts';

const sentinel = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;
/** Visible ASCII and inner blanks: what may stand in a header as it is. */
const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** The header value for a text, in base64 between markers where a header could not carry it (value encoding). */
export function encodeHeader(text: string): string {
  if (text === '' || (plain.test(text) && !sentinel.test(text))) return text;
  return `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}

/** The text that a header value stands for; `undefined` when it is malformed. */
export function decodeHeader(value: string): string | undefined {
  const match = sentinel.exec(value);
  if (match === null) return /^[\x20-\x7e\t]*$/.test(value) ? value : undefined;
  const encoded = match[1] ?? '';
  const bytes = Buffer.from(encoded, 'base64');
  // Node skips what is not base64; only the canonical spelling is one value for everybody.
  if (bytes.toString('base64') !== encoded) return undefined;
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

/** One mirrored argument of a tool: the header is `Mcp-Param-` and `header`, the value stands at `path`. */
export interface MirroredArgument {
  readonly header: string;
  readonly path: readonly string[];
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const scalarTypes: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean', 'number']);

/**
 * The mirrored arguments of an input schema, or `undefined` when an annotation breaks a rule, which makes the whole
 * tool invalid. Annotations count only where a chain of `properties` leads. `number` is accepted although the
 * specification does not list it, as its own conformance suite mirrors it.
 */
export function mirroredArguments(schema: JsonObject): readonly MirroredArgument[] | undefined {
  const found: MirroredArgument[] = [];
  const names = new Set<string>();
  const collect = (node: Json, path: readonly string[] | undefined): boolean => {
    if (Array.isArray(node)) return (node as readonly Json[]).every((item) => collect(item, undefined));
    if (!isObject(node)) return true;
    if ('x-mcp-header' in node) {
      const header = node['x-mcp-header'];
      if (path === undefined || path.length === 0 || typeof header !== 'string' || !token.test(header)) return false;
      if (!scalarTypes.has(node.type) || names.has(header.toLowerCase())) return false;
      names.add(header.toLowerCase());
      found.push({ header, path });
    }
    return Object.entries(node).every(([key, member]) => {
      if (key === 'x-mcp-header' || literalKeywords.has(key)) return true;
      if (key === 'properties' && path !== undefined && isObject(member))
        return Object.entries(member).every(([name, property]) => collect(property, [...path, name]));
      if (key === 'properties' && isObject(member))
        return Object.values(member).every((item) => collect(item, undefined));
      return collect(member, undefined);
    });
  };
  return collect(schema, []) ? found : undefined;
}

/** Keywords whose value is data, not schema. */
const literalKeywords: ReadonlySet<string> = new Set([
  'const',
  'enum',
  'default',
  'examples',
  'required',
  'description',
]);

/** The value at a path of own properties. */
function valueAt(args: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = args;
  for (const name of path) {
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

function headerText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // A number that double precision cannot hold keeps its spelling.
  return typeof value === 'object' && value !== null && !isObject(value) && !Array.isArray(value)
    ? JSON.stringify(value)
    : undefined;
}

export interface MirroredRequest {
  readonly method: string;
  readonly params: JsonObject;
  readonly mirrored: readonly MirroredArgument[];
}

/** Headers for a request to a modern server, made anew from the body that is sent. */
export function mirror(version: string, { method, params, mirrored }: MirroredRequest): Record<string, string> {
  const headers: Record<string, string> = { 'mcp-protocol-version': version, 'mcp-method': method };
  const member = methods.get(method)?.nameMember;
  const name = member === undefined ? undefined : params[member];
  if (typeof name === 'string') headers['mcp-name'] = encodeHeader(name);
  if (mirrored.length > 0 && isObject(params.arguments))
    for (const { header, path } of mirrored) {
      const text = headerText(valueAt(params.arguments, path));
      if (text !== undefined) headers[`mcp-param-${header.toLowerCase()}`] = encodeHeader(text);
    }
  return headers;
}

/** A header as it was received: `undefined` when absent, `false` when it came more than once. */
export type HeaderReader = (name: string) => string | undefined | false;

/** The name of the first standard header that does not mirror the body, or `undefined` when all do. */
export function standardMismatch(
  read: HeaderReader,
  version: string,
  { method, params }: Omit<MirroredRequest, 'mirrored'>,
): string | undefined {
  if (read('mcp-protocol-version') !== version) return 'MCP-Protocol-Version';
  if (read('mcp-method') !== method) return 'Mcp-Method';
  const member = methods.get(method)?.nameMember;
  if (member === undefined) return undefined;
  const value = read('mcp-name');
  if (typeof value !== 'string') return 'Mcp-Name';
  const name = params[member];
  return typeof name === 'string' && decodeHeader(value) === name ? undefined : 'Mcp-Name';
}

/** The name of the first argument header that does not mirror the arguments, or `undefined` when all do. */
export function argumentMismatch(
  read: HeaderReader,
  mirrored: readonly MirroredArgument[],
  args: JsonObject,
): string | undefined {
  for (const { header, path } of mirrored) {
    const value = read(`mcp-param-${header.toLowerCase()}`);
    const argument = valueAt(args, path);
    const expected = headerText(argument);
    if (value === false || (expected === undefined) !== (value === undefined)) return `Mcp-Param-${header}`;
    if (value === undefined || expected === undefined) continue;
    const given = decodeHeader(value);
    if (given === expected) continue;
    // Integers are compared as numbers: `42.0` mirrors 42 (SEP-2243).
    const number = plainNumber(argument);
    if (typeof number === 'number' && given !== undefined && numeral.test(given) && Number(given) === number) continue;
    return `Mcp-Param-${header}`;
  }
  return undefined;
}

const numeral = /^-?\d{1,20}(?:\.\d{1,20})?$/;
