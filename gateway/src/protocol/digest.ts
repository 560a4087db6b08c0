/** The digest of a definition: everything that a model sees of a capability. */
import { createHash } from 'node:crypto';
import { canonical } from './canonical.ts';
import type { Json } from './json.ts';

export function definitionDigest(definition: Json): string {
  return createHash('sha256').update(canonical(definition)).digest('hex');
}
