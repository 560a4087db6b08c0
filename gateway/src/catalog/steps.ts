/**
 * What a check may cost. A schema and its arguments are each bounded in size, and the cost of a check is their product:
 * so it is counted, and ends when there is no more of it.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { compareNumbers, decimalOf, isRawJSON, type RawNumber } from '../protocol/numbers.ts';

/**
 * One step is some tens of nanoseconds, in a process that has just started some more: all of them together stay below
 * 50 ms. A table of 25,000 cells is within it.
 */
export const maxSteps = 150_000;

/** Deepest nesting of subschemas and values that is followed. */
export const maxDepth = 1_000;

/** Thrown by a check that costs too much, and caught by the one place that began it. */
export class TooCostly extends Error {}

export class Steps {
  #left = maxSteps;

  take(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new TooCostly();
  }
}

/** From this number of keys on, listing them is sorting a table, and is charged. */
const manyKeys = 32;

/** The keys of an object, charged at once: listing those of a large one takes long, however few are looked at then. */
export function keysOf(value: JsonObject, steps: Steps): readonly string[] {
  const keys = Object.keys(value);
  if (keys.length >= manyKeys) steps.take(keys.length * 2);
  return keys;
}

/** Equality of JSON values, charged by the member and by the piece of text. */
export function isEqual(one: Json, other: Json, steps: Steps): boolean {
  steps.take(1);
  if (one === other) {
    if (typeof one === 'string') steps.take(one.length >> 6);
    return true;
  }
  if (Array.isArray(one)) {
    const [left, right] = [one as readonly Json[], other as readonly Json[]];
    return (
      Array.isArray(other) &&
      left.length === right.length &&
      left.every((item, index) => isEqual(item, right[index] ?? null, steps))
    );
  }
  if (isRawJSON(one) || isRawJSON(other)) {
    if (!isRawJSON(one) || !isRawJSON(other)) return false;
    steps.take(20 + ((one as RawNumber).rawJSON.length + (other as RawNumber).rawJSON.length));
    return compareNumbers(one, other) === 0;
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = keysOf(one, steps);
  steps.take(keys.length * 3);
  if (keys.length !== keysOf(other, steps).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && isEqual(one[key] ?? null, other[key] ?? null, steps));
}

/** One spelling for equal values, charged as it is written: what lets a set stand in for comparing all with all. */
export function spelled(value: Json, steps: Steps): string {
  if (typeof value === 'string') {
    steps.take(4 + (value.length >> 3));
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    steps.take(2);
    let items = '[';
    for (const item of value as readonly Json[]) items += `${spelled(item, steps)},`;
    return items;
  }
  steps.take(4);
  if (isRawJSON(value)) {
    steps.take((value as RawNumber).rawJSON.length);
    return decimalOf((value as RawNumber).rawJSON);
  }
  // -0 and 0 are one number.
  if (!isObject(value)) return value === 0 ? '0' : JSON.stringify(value);
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort();
  steps.take(4 + keys.length * 8);
  let members = '{';
  for (const key of keys) members += `${JSON.stringify(key)}:${spelled(value[key] ?? null, steps)},`;
  return members;
}
