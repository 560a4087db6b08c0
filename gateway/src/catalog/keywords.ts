/** The keywords that look at one value alone: its type, its value, numbers and texts. */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { compareNumbers, isMultiple, isNumeric, isWhole, numberText, type RawNumber } from '../protocol/numbers.ts';
import { type Format, formats } from './formats.ts';
import type { Pattern } from './patterns.ts';
import { fail, type Rule, type Run, type Walk } from './run.ts';
import { isEqual, type Steps, spelled } from './steps.ts';

export function typeRule({ type, nullable }: JsonObject): Rule | undefined {
  if (type === undefined) return undefined;
  const named = Array.isArray(type) ? (type as readonly string[]) : [type as string];
  const types = nullable === true ? [...named, 'null'] : named;
  const [only, another] = types;
  const problem = `must be ${types.join()}`;
  if (only !== undefined && another === undefined) return (value, run) => isOfType(value, only) || fail(run, problem);
  return (value, run) => types.some((each) => isOfType(value, each)) || fail(run, problem);
}

function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'null':
      return value === null;
    case 'integer':
      return isNumeric(value) && isWhole(value);
    case 'number':
      return isNumeric(value);
    default:
      return typeof value === type;
  }
}

export function enumRule(schema: JsonObject): Rule | undefined {
  const single = Object.hasOwn(schema, 'const');
  const lists = [
    ...(single ? [[schema.const ?? null]] : []),
    ...(Array.isArray(schema.enum) ? [schema.enum as readonly Json[]] : []),
  ].map((values) => ({
    values,
    plain: new Set(values.filter((each) => !isNested(each))),
    nested: values.filter(isNested),
  }));
  if (lists.length === 0) return undefined;
  return (value, run) =>
    lists.every(({ values, plain, nested }) => {
      const known = isNested(value) ? nested.some((each) => isEqual(each, value, run.steps)) : plain.has(value);
      return known || (run.problems === undefined ? false : fail(run, choiceProblem(values, run.steps)));
    });
}

/** A number that no double stands for is an object as well, and compared as one. */
function isNested(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

const maxNamed = 20;
const maxNamedLength = 400;

/** Names the values: a caller that is told only that there are some has to guess. */
function choiceProblem(values: readonly Json[], steps: Steps): string {
  const named: string[] = [];
  let length = 0;
  for (const value of values.slice(0, maxNamed)) {
    const text = spelled(value, steps);
    length += text.length;
    if (length > maxNamedLength) break;
    named.push(typeof value === 'object' ? JSON.stringify(value) : text);
  }
  if (named.length === 0) return 'must be equal to one of the allowed values';
  const rest = values.length - named.length;
  const one = values.length === 1 ? 'must be' : 'must be one of';
  return `${one} ${named.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`;
}

export function numberRules(schema: JsonObject): readonly (Rule | undefined)[] {
  const { maximum, minimum, exclusiveMaximum, exclusiveMinimum, multipleOf } = schema;
  return [
    limit(maximum, exclusiveMaximum === true ? '<' : '<='),
    limit(minimum, exclusiveMinimum === true ? '>' : '>='),
    limit(exclusiveMaximum, '<'),
    limit(exclusiveMinimum, '>'),
    isNumeric(multipleOf) ? multipleRule(multipleOf) : undefined,
  ];
}

type Sign = '<' | '<=' | '>' | '>=';
const orders: Readonly<Record<Sign, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

function limit(bound: Json | undefined, sign: Sign): Rule | undefined {
  if (!isNumeric(bound)) return undefined;
  const holds = orders[sign];
  const problem = `must be ${sign} ${numberText(bound).slice(0, 80)}`;
  return (value, run) => {
    if (!isNumeric(value)) return true;
    chargeNumbers(value, bound, run);
    return holds(compareNumbers(value, bound)) || fail(run, problem);
  };
}

function multipleRule(of: number | RawNumber): Rule {
  const problem = `must be a multiple of ${numberText(of).slice(0, 80)}`;
  return (value, run) => {
    if (!isNumeric(value)) return true;
    if (!Number.isSafeInteger(value) || !Number.isSafeInteger(of)) run.steps.take(50);
    chargeNumbers(value, of, run);
    return isMultiple(value, of) || fail(run, problem);
  };
}

/** Numbers that are compared as they are spelled are as dear as they are long. */
function chargeNumbers(value: number | RawNumber, other: number | RawNumber, { steps }: Run): void {
  if (typeof value === 'number' && typeof other === 'number') return;
  steps.take(20 + (numberText(value).length + numberText(other).length) * 8);
}

export function stringRules(schema: JsonObject, walk: Walk): readonly (Rule | undefined)[] {
  const { maxLength, minLength, pattern: source, format: name } = schema;
  const pattern = typeof source === 'string' ? walk.pattern(source) : undefined;
  // An annotation, unless the operator asks for more (2020-12 validation, 7.2.1).
  const format = walk.formats === 'assert' && typeof name === 'string' ? formats.get(name) : undefined;
  const unmatched = `must match pattern ${JSON.stringify(source)}`;
  const unformatted = `must match format ${JSON.stringify(name)}`;
  return [
    typeof maxLength !== 'number' && typeof minLength !== 'number' ? undefined : lengthRule(minLength, maxLength),
    pattern === undefined
      ? undefined
      : (value, run) => typeof value !== 'string' || matches(pattern, value, run.steps) || fail(run, unmatched),
    format === undefined ? undefined : (value, run) => hasFormat(format, value, run.steps) || fail(run, unformatted),
  ];
}

export function matches(pattern: Pattern, text: string, steps: Steps): boolean {
  // Time of the engine: each character against each instruction, measured with programs of many branches.
  steps.take(2 + Math.ceil(text.length * (2 + pattern.size / 4)));
  return pattern.test(text);
}

function hasFormat(format: Format, value: Json, steps: Steps): boolean {
  if (format.of === 'number') {
    if (!isNumeric(value)) return true;
    steps.take(4 + numberText(value).length);
    return format.test(value);
  }
  if (typeof value !== 'string') return true;
  steps.take(16 + (value.length >> 2));
  return format.test(value);
}

/** Lengths count characters, not code units (2020-12 validation, 6.3). */
function lengthRule(least: Json | undefined, most: Json | undefined): Rule {
  const surelyFits = typeof most === 'number' ? most : Number.POSITIVE_INFINITY;
  const surelyEnough = typeof least === 'number' ? least * 2 : 0;
  return (value, run) => {
    if (typeof value !== 'string') return true;
    // A character is one code unit or two.
    if (value.length <= surelyFits && value.length >= surelyEnough) return true;
    run.steps.take(value.length >> 4);
    const length = charactersIn(value);
    if (typeof most === 'number' && length > most) return fail(run, `must NOT have more than ${most} characters`);
    return typeof least !== 'number' || length >= least || fail(run, `must NOT have fewer than ${least} characters`);
  };
}

function charactersIn(text: string): number {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if ((text.charCodeAt(at) & 0xfc00) !== 0xd800 || (text.charCodeAt(at + 1) & 0xfc00) !== 0xdc00) continue;
    pairs++;
    at++;
  }
  return text.length - pairs;
}
