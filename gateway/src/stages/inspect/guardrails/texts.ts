/**
 * The one walker: every text of a message, values and names of members alike, and the message again with other texts in
 * their places. Both walks take the same order; the depth is that of messages, which is bounded where they are read.
 */

import type { Json, JsonObject } from '../../../protocol/json.ts';
import { isRawJSON } from '../../../protocol/numbers.ts';

/** Values of members with these names that say what a thing is, and hold no words of a person. */
const structural: Readonly<Record<string, ReadonlySet<string>>> = {
  type: new Set(['text', 'image', 'audio', 'resource', 'resource_link', 'object', 'string']),
  mimeType: new Set(['text/plain', 'application/json', 'text/markdown', 'text/csv', 'image/png']),
  resultType: new Set(['complete', 'input_required']),
  role: new Set(['user', 'assistant']),
};

/** Names that the protocol gives, which need no look. */
const plainNames: ReadonlySet<string> = new Set(
  'arguments content contents text type uri mimeType blob data structuredContent isError resultType _meta name title description role messages resource message'.split(
    ' ',
  ),
);

export interface Texts {
  /** Values, in their order. */
  readonly values: readonly string[];
  /** Names of members that the protocol does not give, each once. */
  readonly names: readonly string[];
}

export function textsOf(content: Json): Texts {
  const values: string[] = [];
  const names = new Set<string>();
  const walk = (value: Json, under: string): void => {
    const text = textOf(value);
    if (text !== undefined) {
      if (isPart(value, under)) values.push(text);
    } else if (Array.isArray(value)) for (const item of value as readonly Json[]) walk(item, '');
    else if (typeof value === 'object' && value !== null && !isRawJSON(value))
      for (const name in value as JsonObject) {
        if (!plainNames.has(name)) names.add(name);
        walk((value as JsonObject)[name] ?? null, name);
      }
  };
  walk(content, '');
  return { values, names: [...names] };
}

/** Digits from which a number can be a card, an account or a person. */
const minDigits = 7;

/** A text, or a number that is long enough to be one; `undefined` for everything else. */
function textOf(value: Json): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Math.abs(value) >= 10 ** (minDigits - 1) ? String(value) : undefined;
  return isRawJSON(value) && value.rawJSON.length >= minDigits ? value.rawJSON : undefined;
}

function isPart(value: Json, under: string): boolean {
  return !(typeof value === 'string' && Object.hasOwn(structural, under) && structural[under]?.has(value) === true);
}

/** The content with `values` in place of those that `textsOf` found, and its names as `rename` has them. */
export function withTexts<Content extends Json>(
  content: Content,
  values: readonly string[],
  rename: ReadonlyMap<string, string>,
): Content {
  let next = 0;
  const walk = (value: Json, under: string): Json => {
    const text = textOf(value);
    if (text !== undefined) {
      const left = isPart(value, under) ? (values[next++] ?? '') : text;
      return left === text ? value : left;
    }
    if (typeof value !== 'object' || value === null || isRawJSON(value)) return value;
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => walk(item, ''));
    const taken = new Map<string, number>();
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [unlike(rename.get(name) ?? name, taken), walk(member, name)]),
    );
  };
  return walk(content, '') as Content;
}

/** Two names of which the same is left stay two. `taken`: how often each was asked for. */
function unlike(name: string, taken: Map<string, number>): string {
  let count = taken.get(name) ?? 0;
  let free = name;
  while (taken.has(free)) free = `${name} (${++count + 1})`;
  taken.set(name, count);
  taken.set(free, 0);
  return free;
}

/** Where the texts with these numbers stand, each as the parts of a JSON pointer: one walk for all of them. */
export function pathsOf(content: Json, wanted: ReadonlySet<number>): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, readonly string[]>();
  const path: string[] = [];
  let next = 0;
  const walk = (value: Json, under: string): void => {
    if (found.size === wanted.size) return;
    if (textOf(value) !== undefined) {
      if (!isPart(value, under)) return;
      if (wanted.has(next)) found.set(next, [...path]);
      next++;
      return;
    }
    if (typeof value !== 'object' || value === null || isRawJSON(value)) return;
    const isList = Array.isArray(value);
    for (const [name, member] of Object.entries(value)) {
      path.push(name);
      walk(member, isList ? '' : name);
      path.pop();
    }
  };
  walk(content, '');
  return found;
}
