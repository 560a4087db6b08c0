/**
 * Conditions in CEL. The only file that knows the library: compiling checks syntax, types, and that nothing can take
 * long; evaluating never throws.
 */
import { Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import { suggestion } from '../../config/suggest.ts';
import { unfit } from './exactness.ts';
import { type ExpressionFault, type Survey, surveyExpression } from './expression.ts';

/**
 * Rules for tools ask about `args` and `tool`, rules for prompts about `args`, rules for resources about `uri`; a grant
 * compares `args` with `approved`, the arguments that a person approved.
 */
export type ConditionKind = 'arguments' | 'prompt' | 'resource' | 'grant';

/** What a condition sees. `time` may be absent for conditions that do not use it. */
export interface ConditionContext {
  readonly args?: unknown;
  readonly approved?: unknown;
  readonly uri?: Readonly<Record<string, string>>;
  readonly caller: object;
  /** What is known of the tool. */
  readonly tool?: object | undefined;
  readonly time?: Date | undefined;
}

export interface Condition {
  readonly source: string;
  /** Depends on nothing but the caller. */
  readonly static: boolean;
  /** Depends on nothing but the caller and what the tool is. */
  readonly isAboutTool: boolean;
  readonly usesTime: boolean;
  readonly survey: Survey;
  /** The outcome, or a text that says why there is none. The text repeats nothing of the values. */
  evaluate(context: ConditionContext): boolean | string;
}

export interface ConditionProblem extends ExpressionFault {
  readonly code: 'POL001' | 'POL002' | 'POL003';
}

export type ConditionResult =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly problems: readonly ConditionProblem[] };

const limits = { maxAstNodes: 500, maxDepth: 32, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 16 };
/** A function that only expanded conditions know: its argument, if that is a map. */
const mapOrError = 'mapOrError';
const timestamp = 'google.protobuf.Timestamp';
const callerFields = {
  user: 'string',
  agent: 'string',
  application: 'string',
  roles: 'list<string>',
  groups: 'list<string>',
  scopes: 'list<string>',
  claims: 'map<string, dyn>',
  attributes: 'map<string, dyn>',
  trust: 'string',
};
const toolFields = { tier: 'string', tags: 'list<string>' };
const variables: Readonly<Record<ConditionKind, readonly string[]>> = {
  arguments: ['args', 'caller', 'time', 'tool'],
  prompt: ['args', 'caller', 'time'],
  resource: ['uri', 'caller', 'time'],
  grant: ['args', 'approved', 'caller', 'time'],
};

/** Types are checked against a strict environment and evaluated in a plain one, which is twice as fast. */
const environments = {
  arguments: environmentsOf('arguments'),
  prompt: environmentsOf('prompt'),
  resource: environmentsOf('resource'),
  grant: environmentsOf('grant'),
};

/** `expanded` is for what was written out from a source that is within the limits. */
function environmentsOf(kind: ConditionKind) {
  const plain = environment(kind, false);
  const expanded = plain.clone({
    limits: { ...limits, maxAstNodes: limits.maxAstNodes * 2, maxDepth: limits.maxDepth * 4 },
  });
  expanded.registerFunction(`${mapOrError}(dyn): map<string, dyn>`, (value: unknown) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)) return value;
    throw new EvaluationError({ code: 'not_a_map', message: 'has() on what is no map' });
  });
  return { strict: environment(kind, true), plain, expanded };
}

function environment(kind: ConditionKind, strict: boolean): Environment {
  const made = new Environment({ limits, homogeneousAggregateLiterals: false }).registerVariable('time', timestamp);
  if (kind === 'resource') made.registerVariable('uri', 'map<string, string>');
  else made.registerVariable('args', 'map<string, dyn>');
  if (kind === 'grant') made.registerVariable('approved', 'map<string, dyn>');
  if (kind === 'arguments')
    if (strict) made.registerVariable({ name: 'tool', schema: toolFields });
    else made.registerVariable('tool', 'map<string, dyn>');
  return strict
    ? made.registerVariable({ name: 'caller', schema: callerFields })
    : made.registerVariable('caller', 'map<string, dyn>');
}

/** `uriNames`: variables that every pattern of the rule has. */
export function compileCondition(
  source: string,
  kind: ConditionKind,
  uriNames: readonly string[] = [],
): ConditionResult {
  let program: ParseResult;
  try {
    program = environments[kind].plain.parse(source);
  } catch (error) {
    const { summary, start } = describe(error, source);
    const remedy = 'Correct the expression; docs/policy.md shows the language.';
    return { ok: false, problems: [{ code: 'POL001', start, problem: `not CEL: ${summary}`, remedy }] };
  }
  const survey = surveyExpression(program.ast);
  const slow = survey.faults.map((fault): ConditionProblem => ({ code: 'POL003', ...fault }));
  const unknown = [...unknownNames(survey, kind, uriNames), ...orderedTrust(survey), ...orderedTier(survey)];
  if (slow.length + unknown.length > 0) return { ok: false, problems: [...slow, ...unknown] };
  const typed = environments[kind].strict.check(source);
  if (!typed.valid) {
    return { ok: false, problems: [typeProblem(typed.error, source, kind)] };
  }
  if (typed.type !== 'bool' && !typed.type?.startsWith('dyn')) {
    const problem = `a condition must be true or false, and this is of type ${typed.type}`;
    return { ok: false, problems: [{ code: 'POL002', start: 0, problem, remedy: 'Compare it with something.' }] };
  }
  return { ok: true, condition: condition(source, strictPresence(source, program, survey, kind), survey) };
}

/**
 * The program in which `has(x.y)` fails when `x` is no map. In CEL it is false then, for a text, a list or a number, so
 * that `!has(args.o.limit) || args.o.limit < 5` would hold for an `o` that the server reads in its own way.
 */
function strictPresence(
  source: string,
  program: ParseResult,
  { presenceTests }: Survey,
  kind: ConditionKind,
): ParseResult {
  if (presenceTests.length === 0) return program;
  let text = '';
  let at = 0;
  for (const { start, end, base, field } of presenceTests.toSorted((a, b) => a.start - b.start)) {
    text += `${source.slice(at, start)}(${JSON.stringify(field)} in ${mapOrError}(${source.slice(base.start, base.end)}))`;
    at = end;
  }
  return environments[kind].expanded.parse(text + source.slice(at));
}

function condition(source: string, program: ParseResult, survey: Survey): Condition {
  const touchedOf = (name: string) => survey.paths.filter(({ steps }) => steps[0] === name).map(({ steps }) => steps);
  const [touched, touchedApproved] = [touchedOf('args'), touchedOf('approved')];
  const { variables } = survey;
  const isFixed = !variables.has('args') && !variables.has('uri') && !variables.has('time');
  return {
    source,
    survey,
    static: isFixed && !variables.has('tool'),
    isAboutTool: isFixed && variables.has('tool'),
    usesTime: variables.has('time'),
    evaluate(context) {
      for (const steps of touched) {
        const problem = unfit(context.args, steps, survey);
        if (problem !== undefined) return `${steps.join('.')} ${problem}`;
      }
      for (const steps of touchedApproved) {
        const problem = unfit(context.approved, steps, survey);
        if (problem !== undefined) return `${steps.join('.')} ${problem}`;
      }
      const outcome = outcomeOf(program, context, source);
      if (typeof outcome === 'boolean') return outcome;
      const plain = { ...context, args: readable(context.args), caller: readable(context.caller) };
      if (context.approved !== undefined) plain.approved = readable(context.approved);
      return plain.args === context.args && plain.caller === context.caller && plain.approved === context.approved
        ? outcome
        : outcomeOf(program, plain, source);
    },
  };
}

function outcomeOf(program: ParseResult, context: object, source: string): boolean | string {
  try {
    const result: unknown = program(context);
    return typeof result === 'boolean' ? result : 'the value is neither true nor false';
  } catch (error) {
    const { code, at } = describe(error, source);
    return at === '' ? code : `${code}: ${at}`;
  }
}

/**
 * The value with a `Map` for each object that has a member `constructor`. The library tells what an object is by that
 * name, even where a client sent it, and fails to evaluate; it reads a `Map` by its entries. The value itself where
 * there is none.
 */
function readable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const known = readables.get(value);
  if (known !== undefined) return known;
  const made = madeReadable(value);
  readables.set(value, made);
  return made;
}

/** Many conditions may fail on the same arguments, which may be large. */
const readables = new WeakMap<object, unknown>();

function madeReadable(value: object): unknown {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const made = items.map(readable);
    return made.every((item, at) => item === items[at]) ? value : made;
  }
  const members = Object.entries(value);
  const made = members.map(([key, member]) => [key, readable(member)] as const);
  if (Object.hasOwn(value, 'constructor')) return new Map(made);
  return made.every(([, member], at) => member === members[at]?.[1]) ? value : Object.fromEntries(made);
}

function unknownNames(survey: Survey, kind: ConditionKind, uriNames: readonly string[]): ConditionProblem[] {
  return survey.paths.flatMap(({ steps: [variable = '', name], start }): ConditionProblem[] => {
    const complain = (problem: string, remedy: string): ConditionProblem[] => [
      { code: 'POL002', start, problem, remedy },
    ];
    if (variable === 'args' && kind === 'resource')
      return complain('"args" does not exist in a rule for resources', 'Use "uri" and the variables of the pattern.');
    if (variable === 'uri' && kind !== 'resource')
      return complain('"uri" exists in rules for resources only', 'Use "args" for the arguments.');
    if (name === undefined) return [];
    if (variable === 'time')
      return complain(`time has no member "${name}"`, 'Ask it, as in time.getHours("Europe/Paris") >= 9.');
    if (variable === 'caller' && !Object.hasOwn(callerFields, name))
      return complain(`a caller has no "${name}"`, suggestion(name, Object.keys(callerFields), 'field'));
    if (variable === 'tool' && kind !== 'arguments')
      return complain('"tool" exists in rules for tools only', 'Use "caller", or the name in the rule.');
    if (variable === 'tool' && !Object.hasOwn(toolFields, name))
      return complain(`a tool has no "${name}"`, suggestion(name, Object.keys(toolFields), 'field'));
    if (variable === 'uri' && !uriNames.includes(name))
      return complain(
        `not every pattern of this rule has a variable "${name}"`,
        suggestion(name, uriNames, 'variable'),
      );
    return [];
  });
}

/** Trust is a text here, and its words do not stand in the order of the alphabet. */
function orderedTrust({ ordered }: Survey): ConditionProblem[] {
  return ordered
    .filter(({ steps }) => steps.length === 2 && steps[0] === 'caller' && steps[1] === 'trust')
    .map(({ start }) => ({
      code: 'POL002',
      start,
      problem: 'caller.trust is compared by the alphabet here, in which "standard" comes before "untrusted"',
      remedy: 'Name the values: caller.trust in ["standard", "trusted"].',
    }));
}

/** A tier is a text here as well. */
function orderedTier({ ordered }: Survey): ConditionProblem[] {
  return ordered
    .filter(({ steps }) => steps.length === 2 && steps[0] === 'tool' && steps[1] === 'tier')
    .map(({ start }) => ({
      code: 'POL002',
      start,
      problem: 'tool.tier is compared by the alphabet here, in which "destructive" comes before "read"',
      remedy: 'Name the values: tool.tier in ["read", "write"].',
    }));
}

function typeProblem(error: unknown, source: string, kind: ConditionKind): ConditionProblem {
  const { summary, start } = describe(error, source);
  const unknown = /^Unknown variable: (\w+)$/.exec(summary)?.[1];
  if (unknown !== undefined) {
    const remedy = suggestion(unknown, variables[kind], 'variable');
    return { code: 'POL002', start, problem: `there is no variable "${unknown}"`, remedy };
  }
  const problem = summary.replace(/^(?:no such|found no matching) overload:? (?:for )?/, 'the types do not fit: ');
  return {
    code: 'POL002',
    start,
    problem,
    remedy: 'Compare values of the same type; docs/policy.md shows the language.',
  };
}

interface CelFault {
  readonly code?: unknown;
  readonly summary?: unknown;
  readonly range?: { readonly start: number; readonly end: number };
}

/** The parts of an error of the library. `code` and `at` hold nothing of the values; `summary` may. */
function describe(error: unknown, source: string): { summary: string; start: number; code: string; at: string } {
  const fault = error as CelFault & Error;
  const summary = typeof fault.summary === 'string' ? fault.summary : fault.message;
  return {
    summary,
    start: fault.range?.start ?? 0,
    code: typeof fault.code === 'string' ? fault.code.replaceAll('_', ' ') : 'cannot be evaluated',
    at: fault.range === undefined ? '' : source.slice(fault.range.start, fault.range.end).slice(0, 80),
  };
}
