/** Other dialects by `node-sql-parser`, an optional peer: its tree, read so that what is not known counts as forbidden. */
import { createRequire } from 'node:module';
import type { SqlDialect } from '../../../../pipeline/contracts/argument-roles.ts';
import type { Parsed } from './statement.ts';

type Node = Readonly<Record<string, unknown>>;

interface Library {
  readonly Parser: new () => { astify(text: string, options: { readonly database: string }): unknown };
}

const missing = 'node-sql-parser is not installed. Run: npm install node-sql-parser';

/** Throws where the peer is not installed. */
export function parseOther(text: string, dialect: Exclude<SqlDialect, 'postgresql'>): Parsed {
  // Readers differ about comments, some of which MySQL runs, and about what a backslash in a text does.
  if (/\/\*|\*\/|--|[#\\]/.test(text)) return { ok: false, problem: 'it has what may be a comment or an escape' };
  const parser = new (libraryOf(dialect).Parser)();
  let tree: unknown;
  try {
    tree = parser.astify(text, { database: dialect });
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message.slice(0, 200) : 'unknown error' };
  }
  const all = Array.isArray(tree) ? tree : [tree];
  const found = {
    kinds: new Set<string>(),
    tables: new Set<string>(),
    functions: new Set<string>(),
    effects: new Set<string>(),
  };
  for (const statement of all) {
    const type = isNode(statement) ? statement['type'] : undefined;
    found.kinds.add(kindOf(typeof type === 'string' ? type : '?'));
    walk(statement, new Set(), found);
  }
  return {
    ok: true,
    statements: {
      count: all.length,
      kinds: [...found.kinds],
      tables: [...found.tables],
      functions: [...found.functions],
      effects: [...found.effects],
    },
  };
}

const libraries = new Map<string, Library>();

function libraryOf(dialect: string): Library {
  const known = libraries.get(dialect);
  if (known !== undefined) return known;
  let library: Library;
  try {
    library = createRequire(import.meta.url)(`node-sql-parser/build/${dialect}.js`) as Library;
  } catch (error) {
    throw new Error(missing, { cause: error });
  }
  libraries.set(dialect, library);
  return library;
}

function kindOf(type: string): string {
  const kind = type.toLowerCase();
  return kind === 'replace' ? 'insert or delete' : kind;
}

/** Types of statements that the tree has at any depth. */
const statementTypes =
  /^(?:select|insert|replace|update|delete|merge|create|drop|alter|truncate|rename|call|exec|execute|set|use|show|desc|describe|explain|grant|revoke|load_data|copy|lock|unlock|declare|transaction|attach|pragma|vacuum|proc|if|do)$/i;

interface Found {
  readonly kinds: Set<string>;
  readonly tables: Set<string>;
  readonly functions: Set<string>;
  readonly effects: Set<string>;
}

type Scope = ReadonlySet<string>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function walk(value: unknown, scope: Scope, found: Found): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, scope, found);
    return;
  }
  if (!isNode(value)) return;
  note(value, scope, found);
  const inner = Array.isArray(value['with']) ? withNames(value['with'] as readonly unknown[], scope, found) : scope;
  for (const [name, member] of Object.entries(value)) {
    // Both say of tables what the tree says better.
    if (name === 'tableList' || name === 'columnList' || name === 'with') continue;
    walk(member, inner, found);
  }
}

/** A name that its own expression uses stands for a table there, or for itself: which of both is not for us to guess. */
function withNames(clauses: readonly unknown[], scope: Scope, found: Found): Scope {
  const names = new Set(scope);
  for (const clause of clauses) {
    if (!isNode(clause)) continue;
    const { name, stmt } = clause;
    const text = isNode(name) ? name['value'] : name;
    walk(stmt, new Set(names), found);
    if (typeof text === 'string') names.add(text.toLowerCase());
  }
  return names;
}

function note(node: Node, scope: Scope, { kinds, tables, functions, effects }: Found): void {
  const { type, table, into, name, locking_read: locking } = node;
  // `DESC` is the order of a column as well.
  if (typeof type === 'string' && type !== 'DESC' && statementTypes.test(type)) kinds.add(kindOf(type));
  if (typeof table === 'string' && !isColumn(node)) addTable(node, scope, tables);
  if (typeof type === 'string' && /^(?:insert|replace|update|delete)$/i.test(type))
    for (const target of targetsOf(node)) addTable(target, new Set(), tables);
  if (isNode(into) && (into['keyword'] !== undefined || into['expr'] !== undefined))
    effects.add('write somewhere else');
  if (locking !== undefined && locking !== null) effects.add('lock rows');
  if (type === 'function' || type === 'aggr_func' || type === 'window_func') functions.add(functionName(name));
  if (type === 'var') effects.add('use variables');
}

/** A column names its table, or the alias of one. */
function isColumn({ type }: Node): boolean {
  return type === 'column_ref' || type === 'star' || type === 'expr';
}

function functionName(name: unknown): string {
  if (typeof name === 'string') return name.toLowerCase();
  if (!isNode(name)) return '?';
  const { schema, name: parts } = name;
  const own = Array.isArray(parts) ? parts.map((part: unknown) => (isNode(part) ? String(part['value']) : '?')) : ['?'];
  const outer = isNode(schema) ? [String(schema['value'])] : [];
  return [...outer, ...own].join('.').toLowerCase();
}

function addTable(node: Node, scope: Scope, tables: Set<string>): void {
  const outer = [node['server'], node['db'], node['schema']].filter((part) => typeof part === 'string' && part !== '');
  const folded = [...outer, String(node['table'])].join('.').toLowerCase();
  if (outer.length > 0 || !scope.has(folded)) tables.add(folded);
}

/** What is written to is a table, whatever names are in force. */
function targetsOf(node: Node): readonly Node[] {
  const { table, from, type } = node;
  const lists = typeof type === 'string' && type.toLowerCase() === 'delete' ? [table, from] : [table];
  const all = lists.flatMap((each): readonly unknown[] => (Array.isArray(each) ? each : [each]));
  return all.filter((each): each is Node => isNode(each) && typeof each['table'] === 'string');
}
