/** What is known of a statement when it has been parsed, and whether its role lets it through. */
import type { SqlRole } from '../../../../pipeline/contracts/argument-roles.ts';
import { isPure } from './functions.ts';

/** What the parser of a dialect finds in a text. */
export interface Statements {
  /** One statement beside the other. */
  readonly count: number;
  /** Of all statements, those inside of others as well: `select`, or what the parser calls it. */
  readonly kinds: readonly string[];
  /** `schema.name` or `name`. */
  readonly tables: readonly string[];
  /** In lower case, with the schema where one is written. */
  readonly functions: readonly string[];
  /** What does more than its statement says: locks rows, writes files. */
  readonly effects: readonly string[];
}

/** `problem`: the parser does not understand it. */
export type Parsed =
  | { readonly ok: true; readonly statements: Statements }
  | { readonly ok: false; readonly problem: string };

/** Why the statement must not be sent; `undefined` when it may. */
export function problemOf(parsed: Parsed, role: SqlRole): string | undefined {
  if (!parsed.ok) return `must be SQL of ${role.dialect} that can be parsed`;
  const { count, kinds, tables, functions, effects } = parsed.statements;
  if (count !== 1) return 'must be one statement';
  const kind = kinds.find((each) => !(role.statements as readonly string[]).includes(each));
  if (kind !== undefined) return `must hold no statement but ${role.statements.join(', ')}`;
  if (effects.length > 0) return `must not ${effects[0]}`;
  // PostgreSQL has folded its names; elsewhere case says nothing.
  const patterns = role.dialect === 'postgresql' ? role.tables : role.tables.map((each) => each.toLowerCase());
  if (tables.some((table) => !patterns.some((pattern) => matches(table, pattern))))
    return `must name no table but ${role.tables.join(', ')}`;
  const called = functions.find((name) => !isPure(withoutCatalog(name)) && !role.functions.includes(name));
  return called === undefined ? undefined : 'must call no function that is not listed';
}

function withoutCatalog(name: string): string {
  return name.replace(/^pg_catalog\./, '');
}

/** `*` stands for any characters of one part. */
function matches(table: string, pattern: string): boolean {
  const [parts, wanted] = [table.split('.'), pattern.split('.')];
  return parts.length === wanted.length && parts.every((part, index) => isLike(part, wanted[index] ?? ''));
}

/** Linear: the pieces between the stars are found one after the other. */
export function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= text.length - last.length;
}
