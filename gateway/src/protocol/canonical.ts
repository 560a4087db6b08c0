/**
 * Canonical JSON (RFC 8785): one text for everything that means the same, whatever the order of its members. Digests of
 * definitions and revisions, and what sealed states are bound to, are made of it.
 */
import { isObject, type Json } from './json.ts';

/**
 * Members are sorted by their UTF-16 code units (section 3.2.3); those that are `undefined` are left out. Numbers are
 * written as ECMAScript does (section 3.2.2.3), and those that exceed double precision as they came.
 */
export function canonical(value: Json | undefined): string {
  if (value === undefined) return 'null';
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .flatMap((key) => (value[key] === undefined ? [] : [`${JSON.stringify(key)}:${canonical(value[key])}`]));
  return `{${members.join(',')}}`;
}
