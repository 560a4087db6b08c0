/** PostgreSQL by its own grammar: `libpg-query` is the parser of the server, compiled to WebAssembly. */
import type { Parsed, Statements } from './statement.ts';

type Node = Readonly<Record<string, unknown>>;

const statementKinds: Readonly<Record<string, string>> = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
};

interface Found {
  readonly kinds: Set<string>;
  readonly tables: Set<string>;
  readonly functions: Set<string>;
  readonly effects: Set<string>;
}

/** Names of common table expressions that are in force. */
type Scope = ReadonlySet<string>;

export async function parsePostgresql(text: string): Promise<Parsed> {
  const { parse } = await import('libpg-query');
  let tree: { readonly stmts?: readonly { readonly stmt?: unknown }[] };
  try {
    tree = await parse(text);
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : 'unknown error' };
  }
  const found: Found = { kinds: new Set(), tables: new Set(), functions: new Set(), effects: new Set() };
  const all = tree.stmts ?? [];
  for (const { stmt } of all) {
    const [kind = ''] = Object.keys(stmt ?? {});
    found.kinds.add(statementKinds[kind] ?? kind);
    walk(stmt, new Set(), found);
  }
  const statements: Statements = {
    count: all.length,
    kinds: [...found.kinds],
    tables: [...found.tables],
    functions: [...found.functions],
    effects: [...found.effects],
  };
  return { ok: true, statements };
}

function walk(value: unknown, scope: Scope, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, scope, found);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value as Node)) {
    // Walked already, each expression with the names that it sees.
    if (name === 'withClause') continue;
    if (/^[A-Z]\w*Stmt$/.test(name)) found.kinds.add(statementKinds[name] ?? name);
    note(name, member, scope, found);
    const inner = isNode(member) && isNode(member['withClause']) ? withNames(member, scope, found) : scope;
    walk(member, inner, found);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The scope of a statement with common table expressions. Each sees those before it, and itself only where it is recursive:
 * what it names otherwise is a table. The names of all count once the statement itself is walked.
 */
function withNames(statement: Node, scope: Scope, found: Found): Scope {
  const clause = statement['withClause'] as { readonly recursive?: boolean; readonly ctes?: readonly unknown[] };
  const names = new Set(scope);
  const ctes = (clause.ctes ?? []).flatMap((each) =>
    isNode(each) && isNode(each['CommonTableExpr']) ? [each['CommonTableExpr']] : [],
  );
  if (clause.recursive === true) for (const { ctename } of ctes) names.add(String(ctename));
  for (const { ctename, ctequery } of ctes) {
    walk(ctequery, new Set(names), found);
    names.add(String(ctename));
  }
  return names;
}

function note(name: string, member: unknown, scope: Scope, { kinds, tables, functions, effects }: Found): void {
  if (name === 'onConflictClause' && isNode(member) && member['action'] === 'ONCONFLICT_UPDATE') kinds.add('update');
  if (name === 'lockingClause') effects.add('lock rows');
  if (name === 'intoClause') effects.add('make a table');
  if (name === 'operName' || (name === 'name' && Array.isArray(member))) {
    if (Array.isArray(member) && member.length > 1) effects.add('name an operator of a schema');
  }
  if (name === 'RangeVar' && isNode(member)) addTable(member, scope, tables);
  // What is written to is a table, whatever names are in force.
  if (name === 'relation' && isNode(member) && typeof member['relname'] === 'string')
    addTable(member, new Set(), tables);
  if (name === 'FuncCall' && isNode(member)) functions.add(dotted(member['funcname']));
}

function addTable(range: Node, scope: Scope, tables: Set<string>): void {
  const { catalogname, schemaname, relname } = range;
  const name = String(relname);
  if (schemaname === undefined && scope.has(name)) return;
  tables.add([catalogname, schemaname, name].filter((part) => typeof part === 'string').join('.'));
}

function dotted(parts: unknown): string {
  if (!Array.isArray(parts)) return '?';
  const names = parts.map((part: { readonly String?: { readonly sval?: string } }) => part.String?.sval ?? '?');
  return names.join('.').toLowerCase();
}
