/** The digest of a definition: everything that a model sees of a capability, in one canonical spelling. */
import { createHash } from 'node:crypto';
import { isObject, type Json } from '../protocol/json.ts';

/** Members sorted by their UTF-16 code units, as RFC 8785 orders them. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

export function definitionDigest(definition: Json): string {
  return createHash('sha256').update(canonical(definition)).digest('hex');
}
