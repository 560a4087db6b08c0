/** Takes fields out of a JSON value. Nothing is changed in place; a value in which nothing is masked is returned as it is. */

import type { Json, JsonObject } from '../../../protocol/json.ts';
import { isRawJSON } from '../../../protocol/numbers.ts';

/** The parts of a JSON pointer; `*` stands for any name or index. */
export type Pointer = readonly string[];

/** The depth is that of the pointers, which the configuration bounds. */
export function withoutFields(value: Json, pointers: readonly Pointer[]): Json {
  if (typeof value !== 'object' || value === null || isRawJSON(value)) return value;
  return Array.isArray(value) ? withoutItems(value, pointers) : withoutMembers(value as JsonObject, pointers);
}

/** What stays of what stands under one name; `undefined` where nothing does. */
function under(name: string, value: Json, pointers: readonly Pointer[]): Json | undefined {
  const rest: Pointer[] = [];
  for (const [first, ...others] of pointers) {
    if (first !== name && first !== '*') continue;
    if (others.length === 0) return undefined;
    rest.push(others);
  }
  return rest.length === 0 ? value : withoutFields(value, rest);
}

function withoutItems(items: readonly Json[], pointers: readonly Pointer[]): Json {
  let isChanged = false;
  const kept: Json[] = [];
  for (const [index, item] of items.entries()) {
    const left = under(String(index), item, pointers);
    if (left !== item) isChanged = true;
    if (left !== undefined) kept.push(left);
  }
  return isChanged ? kept : items;
}

function withoutMembers(members: JsonObject, pointers: readonly Pointer[]): Json {
  let isChanged = false;
  const kept: (readonly [string, Json])[] = [];
  for (const [name, member] of Object.entries(members)) {
    const left = under(name, member, pointers);
    if (left !== member) isChanged = true;
    if (left !== undefined) kept.push([name, left]);
  }
  return isChanged ? Object.fromEntries(kept) : members;
}
