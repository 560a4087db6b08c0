/** Reads the syntax tree of a condition: what it touches, and what it must not do. Pure; knows no library. */

/** As much of the tree as is read here. Operands are nodes, names, or literal values, by operator. */
export interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
}

/** `has(base.field)`: from where to where it stands, and its two parts. */
export interface PresenceTest {
  readonly start: number;
  readonly end: number;
  readonly base: { readonly start: number; readonly end: number };
  readonly field: string;
}

export interface Survey {
  readonly presenceTests: readonly PresenceTest[];
  /** Every path that begins at a variable: `['args', 'limit']`. A path ends where an index is computed. */
  readonly paths: readonly TouchedPath[];
  /** Those that are compared by order: with <, <=, > or >=. */
  readonly ordered: readonly TouchedPath[];
  readonly variables: ReadonlySet<string>;
  /** Whether something is done for every element of a list or map. */
  readonly loops: boolean;
  /** Calls that are not available, or that cannot work. */
  readonly faults: readonly ExpressionFault[];
}

export interface TouchedPath {
  readonly steps: readonly string[];
  readonly start: number;
}

export interface ExpressionFault {
  readonly start: number;
  readonly problem: string;
  readonly remedy: string;
}

const loopMacros = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter', 'transformList', 'bind']);

export function surveyExpression(root: Node): Survey {
  const paths: TouchedPath[] = [];
  const faults: ExpressionFault[] = [];
  const presenceTests: PresenceTest[] = [];
  const ordered: TouchedPath[] = [];
  let loops = false;

  const visit = (value: unknown, loopDepth: number): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, loopDepth);
      return;
    }
    if (!isNode(value)) return;
    const steps = pathOf(value);
    if (steps !== undefined) {
      paths.push({ steps, start: value.start });
      return;
    }
    if (orders.has(value.op)) ordered.push(...pathsIn(value.args));
    const called = value.op === 'call' || value.op === 'rcall' ? nameOfCall(value) : undefined;
    const presence = called === 'has' ? presenceOf(value) : undefined;
    if (presence !== undefined) presenceTests.push(presence);
    if (called === 'matches')
      faults.push({
        start: value.start,
        problem: 'matches() is not available: a hostile text could keep it busy for minutes',
        remedy: 'Use ==, in, startsWith(), endsWith() or contains().',
      });
    if (value.op === 'map' && Array.isArray(value.args) && value.args.some(isLostEntry))
      faults.push({
        start: value.start,
        problem: 'a map that is written out cannot have the keys "constructor", "prototype" and "__proto__"',
        remedy: 'Compare the members one by one: args.o.constructor == "x".',
      });
    const zone = called?.startsWith('get') === true ? literalArgument(value) : undefined;
    if (zone !== undefined && !isTimeZone(zone))
      faults.push({
        start: value.start,
        problem: `there is no time zone "${zone}"`,
        remedy: 'Write a name such as "Europe/Paris", or an offset such as "+02:00".',
      });
    const loop = value.op === 'rcall' && called !== undefined && loopMacros.has(called);
    if (loop) loops = true;
    if (loop && loopDepth > 0)
      faults.push({
        start: value.start,
        problem: `${called}() inside another loop takes time that grows with the square of the list`,
        remedy: 'Loop once, and use "in" for the inner list.',
      });
    visit(value.args, loop ? loopDepth + 1 : loopDepth);
  };
  visit(root, 0);
  return { paths, variables: new Set(paths.map(({ steps }) => steps[0] ?? '')), loops, faults, presenceTests, ordered };
}

const orders: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);

/** The paths whose values an operand may have: behind a function or another comparison it has another value. */
function pathsIn(value: unknown): readonly TouchedPath[] {
  if (Array.isArray(value)) return value.flatMap(pathsIn);
  if (!isNode(value)) return [];
  const steps = pathOf(value);
  if (steps !== undefined) return [{ steps, start: value.start }];
  return ['+', '?:', '()'].includes(value.op) ? pathsIn(value.args) : [];
}

function presenceOf({ args, start, end }: Node): PresenceTest | undefined {
  const given: unknown = Array.isArray(args) ? args[1] : undefined;
  const tested: unknown = Array.isArray(given) ? given[0] : undefined;
  if (!isNode(tested) || tested.op !== '.' || !Array.isArray(tested.args)) return undefined;
  const [base, field] = tested.args as readonly unknown[];
  return isNode(base) && typeof field === 'string' ? { start, end, base, field } : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'op' in value && typeof value.op === 'string';
}

function nameOfCall(node: Node): string | undefined {
  const name: unknown = Array.isArray(node.args) ? node.args[0] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** An entry that the library leaves out when it makes the map. */
function isLostEntry(entry: unknown): boolean {
  const key: unknown = Array.isArray(entry) ? entry[0] : undefined;
  return isNode(key) && key.op === 'value' && ['constructor', 'prototype', '__proto__'].includes(String(key.args));
}

/** The only argument of a method such as `time.getHours("Europe/Paris")`, where it is a text. */
function literalArgument(node: Node): string | undefined {
  const given: unknown = Array.isArray(node.args) ? node.args[2] : undefined;
  const first: unknown = Array.isArray(given) && given.length === 1 ? given[0] : undefined;
  return isNode(first) && first.op === 'value' && typeof first.args === 'string' ? first.args : undefined;
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format(0) !== '';
  } catch {
    return false;
  }
}

/** The names of `a.b["c"]`, or `undefined` for anything else. */
function pathOf(node: Node): string[] | undefined {
  if (node.op === 'id') return typeof node.args === 'string' ? [node.args] : undefined;
  if ((node.op !== '.' && node.op !== '[]') || !Array.isArray(node.args)) return undefined;
  const [base, step] = node.args as readonly unknown[];
  if (!isNode(base)) return undefined;
  const name = node.op === '.' ? step : isNode(step) && step.op === 'value' ? step.args : undefined;
  const path = typeof name === 'string' ? pathOf(base) : undefined;
  return path === undefined || typeof name !== 'string' ? undefined : [...path, name];
}
