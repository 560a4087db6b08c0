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
    if (typeof value === 'string') {
      if (isPart(value, under)) values.push(value);
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

function isPart(value: string, under: string): boolean {
  return !(Object.hasOwn(structural, under) && structural[under]?.has(value) === true);
}

/** The content with `values` in place of those that `textsOf` found, and its names as `rename` has them. */
export function withTexts<Content extends Json>(
  content: Content,
  values: readonly string[],
  rename: ReadonlyMap<string, string>,
): Content {
  let next = 0;
  const walk = (value: Json, under: string): Json => {
    if (typeof value === 'string') return isPart(value, under) ? (values[next++] ?? '') : value;
    if (typeof value !== 'object' || value === null || isRawJSON(value)) return value;
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => walk(item, ''));
    const taken = new Set<string>();
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [unlike(rename.get(name) ?? name, taken), walk(member, name)]),
    );
  };
  return walk(content, '') as Content;
}

/** Two names of which the same is left stay two. */
function unlike(name: string, taken: Set<string>): string {
  let free = name;
  for (let count = 2; taken.has(free); count++) free = `${name} (${count})`;
  taken.add(free);
  return free;
}

/** Where the text with this number stands, as the parts of a JSON pointer. */
export function pathOf(content: Json, index: number): readonly string[] {
  let next = 0;
  const walk = (value: Json, path: readonly string[]): readonly string[] | undefined => {
    if (typeof value === 'string') return isPart(value, path.at(-1) ?? '') && next++ === index ? path : undefined;
    if (typeof value !== 'object' || value === null || isRawJSON(value)) return undefined;
    const entries: Iterable<readonly [string | number, Json]> = Array.isArray(value)
      ? (value as readonly Json[]).entries()
      : Object.entries(value);
    for (const [key, member] of entries) {
      const found = walk(member, [...path, String(key)]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(content, []) ?? [];
}
