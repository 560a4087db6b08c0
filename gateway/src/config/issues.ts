/** What the schema complains about, as diagnostics with places, the meaning of each union, and remedies. */
import type { z } from 'zod';
import type { Diagnostic } from './diagnostic.ts';
import { hintFor } from './hints.ts';
import { descriptions, jsonSchema, keysAt, type Schema } from './json-schema.ts';
import { find, type Located, type Path, plain } from './located.ts';
import { configuration } from './schema/index.ts';
import { suggestion } from './suggest.ts';

type Issue = z.core.$ZodIssue;

export function diagnose(issues: readonly Issue[], root: Located): Diagnostic[] {
  const schema = jsonSchema();
  const misspelt = new Set(issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => spell(path)));
  return issues
    .filter((issue) => issue.code !== 'custom' || !misspelt.has(spell(issue.path)))
    .flatMap((issue) => one(issue, issue.path, root, schema));
}

function one(issue: Issue, path: Path, root: Located, schema: Schema): Diagnostic[] {
  const found = find(root, path);
  const name = spell(path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const known = keysAt(schema, path);
        const other = known.includes(key);
        return {
          code: 'CFG010',
          place: find(root, [...path, key]).key,
          problem: `"${key}" is not a key of ${name}`,
          remedy: other ? otherKind(found.node) : (hintFor(key) ?? suggestion(key, known, 'key')),
        };
      });
    case 'invalid_union':
      return union(issue, path, root, schema);
    case 'invalid_key': {
      const reason = issue.issues[0]?.message ?? 'is not accepted';
      const key = String(path.at(-1));
      return [{ code: 'CFG013', place: found.key, problem: `the name "${key}" ${reason}`, remedy: 'Rename it.' }];
    }
    case 'invalid_type': {
      if (!found.exact) return [missing(path, found.node, schema)];
      const expected = issue.message.startsWith('must') ? issue.message : `must be ${article(issue.expected)}`;
      const code = 'CFG012';
      return [{ code, place: found.node.at, problem: `${name} ${expected}`, remedy: describe(schema, path) }];
    }
    case 'invalid_value': {
      if (!found.exact) return [missing(path, found.node, schema)];
      const known = issue.values.map(String);
      const value = found.node.kind === 'scalar' ? String(found.node.value) : '';
      const problem = `${name} must be ${known.length === 1 ? known[0] : `one of ${known.join(', ')}`}`;
      return [{ code: 'CFG013', place: found.node.at, problem, remedy: suggestion(value, known, 'value') }];
    }
    case 'custom': {
      const code = issue.message.includes('exactly one') || issue.message.includes('must say') ? 'CFG014' : 'CFG013';
      return [{ code, place: found.node.at, problem: `${name} ${issue.message}`, remedy: describe(schema, path) }];
    }
    case 'invalid_format':
      return [
        {
          code: issue.message.includes('never the secret') ? 'CFG031' : 'CFG013',
          place: found.node.at,
          problem: `${name} ${issue.message.startsWith('must') ? issue.message : `must be ${article(issue.format)}`}`,
          remedy: unitRemedy(found.node) ?? describe(schema, path),
        },
      ];
    case 'too_big':
    case 'too_small':
    case 'not_multiple_of':
    case 'invalid_element': {
      const problem = `${name} ${bound(issue) ?? issue.message}`;
      return [{ code: 'CFG013', place: found.node.at, problem, remedy: describe(schema, path) }];
    }
  }
}

/** For a key that only the other kind of server has. */
function otherKind(node: Located): string {
  const http = node.kind === 'map' && node.entries.has('url');
  return `It belongs to a server with "${http ? 'command' : 'url'}", and this one has "${http ? 'url' : 'command'}".`;
}

function bound(issue: Issue): string | undefined {
  if (issue.code === 'too_big')
    return issue.origin === 'number' || issue.origin === 'int'
      ? `must be at most ${issue.maximum}`
      : `must not be longer than ${issue.maximum}`;
  if (issue.code !== 'too_small') return undefined;
  return issue.origin === 'number' || issue.origin === 'int'
    ? `must be at least ${issue.minimum}`
    : issue.minimum === 1 || issue.minimum === 1n
      ? 'must not be empty'
      : `must not be shorter than ${issue.minimum}`;
}

type UnionIssue = Extract<Issue, { code: 'invalid_union' }>;

/** Chooses the alternative that was meant, and complains about that one only. */
function union(issue: UnionIssue, path: Path, root: Located, schema: Schema): Diagnostic[] {
  const found = find(root, path);
  if (!found.exact) return [missing(path, found.node, schema)];
  let chosen: readonly Issue[] | undefined;
  if (path.length === 2 && path[0] === 'servers' && found.node.kind === 'map') {
    const http = found.node.entries.has('url');
    const stdio = found.node.entries.has('command');
    if (http === stdio) return [serverKind(path, found.key, http)];
    chosen = issue.errors[http ? 0 : 1];
  } else {
    const fits = (alternative: readonly Issue[]) =>
      !alternative.some(
        ({ code, path: inner }) =>
          inner.length === 0 && (code === 'invalid_type' || (code === 'invalid_value' && found.node.kind !== 'scalar')),
      );
    chosen = issue.errors.find(fits);
  }
  if (chosen !== undefined) return chosen.flatMap((inner) => one(inner, [...path, ...inner.path], root, schema));
  const types = issue.errors.flatMap(([first]) => (first?.code === 'invalid_type' ? [article(first.expected)] : []));
  const problem = `${spell(path)} must be ${types.join(' or ')}`;
  return [{ code: 'CFG012', place: found.node.at, problem, remedy: describe(schema, path) }];
}

function serverKind(path: Path, place: Diagnostic['place'], both: boolean): Diagnostic {
  return {
    code: 'CFG014',
    place,
    problem: `${spell(path)} has ${both ? 'both "url" and "command"' : 'neither "url" nor "command"'}`,
    remedy: both
      ? 'Keep "url" for a server that is reached over HTTP, or "command" for one that is started here.'
      : 'Add "url" for a server that is reached over HTTP, or "command" for one that is started here.',
  };
}

function missing(path: Path, parent: Located, schema: Schema): Diagnostic {
  const key = String(path.at(-1));
  const problem = `${spell(path.slice(0, -1))} lacks "${key}"`;
  const what = descriptions(schema, path)[0];
  const remedy = `Add "${key}"${what === undefined ? '' : `: ${what}`}${what?.endsWith('.') ? '' : '.'}`;
  return { code: 'CFG011', place: parent.at, problem, remedy };
}

function describe(schema: Schema, path: Path): string {
  for (let length = path.length; length > 0; length--) {
    const [text] = descriptions(schema, path.slice(0, length));
    if (text !== undefined) return length === path.length ? text : `${spell(path.slice(0, length))}: ${text}`;
  }
  return 'See docs/configuration.md.';
}

/** Units that people write and this format does not have, under what it has for them. */
const spellings: Readonly<Record<string, string>> = {
  B: 'b',
  KiB: 'k kb kib',
  MiB: 'mb mib',
  GiB: 'g gb gib',
  ms: 'msec millis',
  s: 'sec secs second seconds',
  m: 'min mins minute minutes',
  h: 'hr hour hours',
  d: 'day days',
};
const units: ReadonlyMap<string, string> = new Map(
  Object.entries(spellings).flatMap(([unit, names]) => names.split(' ').map((name) => [name, unit] as const)),
);

function unitRemedy(node: Located): string | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return undefined;
  const [, amount, unit = ''] = /^(\d{1,9})\s*([A-Za-z]+)$/.exec(node.value) ?? [];
  const known = units.get(unit.toLowerCase());
  return amount === undefined || known === undefined ? undefined : `Did you mean "${amount}${known}"?`;
}

function article(type: string): string {
  const word = { object: 'map', record: 'map', array: 'list', int: 'whole number', url: 'URL' }[type] ?? type;
  return /^[aeio]/.test(word) ? `an ${word}` : `a ${word}`;
}

/** `connections[0].tools[1].allow`, or `the configuration` for the whole of it. */
export function spell(path: Path): string {
  if (path.length === 0) return 'the configuration';
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`))
    .join('');
}

/** Parses the tree against the schema. */
export function checkShape(
  root: Located,
): { ok: true; value: z.output<typeof configuration> } | { ok: false; diagnostics: readonly Diagnostic[] } {
  const parsed = configuration.safeParse(plain(root));
  return parsed.success
    ? { ok: true, value: parsed.data }
    : { ok: false, diagnostics: diagnose(parsed.error.issues, root) };
}
