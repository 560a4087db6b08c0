/** One check of one value: what it may still cost, where in the value it is, and what it has found so far. */
import type { Json } from '../protocol/json.ts';
import type { Dialect } from './dialects.ts';
import type { Targets } from './inspect.ts';
import type { Pattern } from './patterns.ts';
import type { Steps } from './steps.ts';

export interface Run {
  readonly steps: Steps;
  /** Leads to the value that is checked now. */
  readonly path: (string | number)[];
  /** Absent in a first run, which says only whether the value fits and ends with the first thing that does not. */
  readonly problems: string[] | undefined;
  depth: number;
  /** Above zero within a condition, which means what the server wrote: nothing is closed there. */
  literal: number;
}

/** What the schemas that apply to one value have looked at. */
export interface Looked {
  /** At the top, what lets any member through names none. */
  readonly top: boolean;
  readonly names: Set<string>;
  items: number;
  readonly places: Set<number>;
  /** Some schema has `properties`. */
  named: boolean;
  /** Some schema says itself what becomes of other members. */
  spoken: boolean;
}

/** In place of what was looked at: a member that is not named here is refused at once. */
export const strictly: Looked = lookedAtNothing('inside');

/** A schema, one of its kind for each place where it stands. What is known of it is found when a value first reaches it. */
export interface Subschema {
  readonly schema: Json;
  reading: Reading | undefined;
  declares: boolean | undefined;
}

/** What a schema asks of a value. */
export interface Reading {
  readonly rules: readonly Rule[];
  /** After all others: what these have not looked at. */
  readonly last: readonly Rule[];
  /** Other schemas apply to the same value. */
  readonly composed: boolean;
  /** Has `properties`, and no word about other members. */
  readonly silent: boolean;
  /** Every member that it lets through is one of its `properties`. */
  readonly exact: boolean;
}

export type Rule = (value: Json, run: Run, looked: Looked | undefined) => boolean;

/** What the rules of keywords with subschemas need of the checker. */
export interface Walk {
  readonly dialect: Dialect;
  readonly targets: Targets;
  readonly formats: 'annotate' | 'assert';
  pattern(source: string): Pattern | undefined;
  /** The one of this schema; of none, none. */
  subschema<Schema extends Json | undefined>(schema: Schema): Schema extends undefined ? undefined : Subschema;
  /** The same value, against another schema. */
  check(schema: Subschema, value: Json, run: Run, looked: Looked | undefined): boolean;
  /** The same; of a schema that does not fit nothing counts as looked at. */
  tried(schema: Subschema, value: Json, run: Run, looked: Looked | undefined): boolean;
  /** A member or an item of the value. */
  inside(schema: Subschema, value: Json, key: string | number, run: Run): boolean;
  /** Does the schema say of which type or which values a member is? */
  declares(schema: Subschema): boolean;
}

export const maxProblems = 8;

/** `where`: at the top of the arguments, or within them. */
export function lookedAtNothing(where: 'top' | 'inside'): Looked {
  return { top: where === 'top', names: new Set(), items: 0, places: new Set(), named: false, spoken: false };
}

export function merge(from: Looked, into: Looked, steps: Steps): void {
  steps.take((from.names.size + from.places.size) * 4);
  for (const name of from.names) into.names.add(name);
  for (const place of from.places) into.places.add(place);
  into.items = Math.max(into.items, from.items);
  into.named ||= from.named;
  into.spoken ||= from.spoken;
}

/** After something that does not fit: whether to look for more of it. */
export function wantsMore({ problems }: Run): boolean {
  return problems !== undefined && problems.length < maxProblems;
}

/** Does each of these hold? Goes on after the first that does not for as long as more problems are wanted. */
export function every<Item>(list: readonly Item[], run: Run, holds: (item: Item) => boolean): boolean {
  let all = true;
  for (const item of list) {
    if (holds(item)) continue;
    all = false;
    if (!wantsMore(run)) break;
  }
  return all;
}

/** What a condition complains about is nothing to tell. */
export function quietly(run: Run, check: () => boolean): boolean {
  const mark = run.problems?.length ?? 0;
  run.literal++;
  const result = check();
  run.literal--;
  forget(run, mark);
  return result;
}

export function fail({ problems, path, steps }: Run, problem: string): false {
  if (problems === undefined || problems.length >= maxProblems) return false;
  steps.take(20);
  const place = path.map((key) => `/${String(key).slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  const line = `arguments${place}: ${problem}`;
  if (!problems.includes(line)) problems.push(line);
  return false;
}

/** Forgets the problems after the first `count`. */
export function forget({ problems }: Run, count: number): void {
  if (problems !== undefined && problems.length > count) problems.length = count;
}

export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

export function listOf(value: Json | undefined): readonly Json[] | undefined {
  return Array.isArray(value) ? (value as readonly Json[]) : undefined;
}
