/** A definition as pins know it: its name, its digest, and whether a change of it is one of texts alone. */

import { canonical } from '../protocol/canonical.ts';
import { definitionDigest } from '../protocol/digest.ts';
import { asText, isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { isRawJSON } from '../protocol/numbers.ts';
import type { PinnedKind } from '../protocol/pinned-kinds.ts';

export interface Definition {
  readonly kind: PinnedKind;
  readonly name: string;
  readonly digest: string;
  /** All of it, as the server sent it. */
  readonly content: JsonObject;
}

const nameMembers = { tools: 'name', prompts: 'name', templates: 'uriTemplate' } as const;
const maxNameLength = 1_024;

/** `undefined` for what has no usable name, which no list shows either. */
export function definitionOf(kind: Exclude<PinnedKind, 'instructions'>, content: JsonObject): Definition | undefined {
  const name = asText(content[nameMembers[kind]]);
  if (name === '' || name.length > maxNameLength) return undefined;
  return { kind, name, digest: definitionDigest(content), content };
}

export function instructionsOf(text: string): Definition {
  const content = { instructions: text };
  return { kind: 'instructions', name: 'instructions', digest: definitionDigest(content), content };
}

/** Members that hold words for people and models, and change nothing of what is accepted. */
const textMembers: ReadonlySet<string> = new Set(['title', 'description', '$comment', 'examples', 'icons']);

/** Does one differ from the other in words alone? Then whatever the one accepted, the other accepts. */
export function differsInTextOnly(before: JsonObject, after: JsonObject): boolean {
  return canonical(withoutTexts(before, 'definition')) === canonical(withoutTexts(after, 'definition'));
}

/** Under `properties` and the like a member is a name that the server chose, not a keyword. */
const namedMembers: ReadonlySet<string> = new Set(['properties', 'patternProperties', '$defs', 'definitions', '_meta']);

function withoutTexts(value: Json, within: 'definition' | 'names'): Json {
  if (typeof value !== 'object' || value === null || isRawJSON(value)) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => withoutTexts(item, 'definition'));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(
    ([name, member]) => within === 'names' || !(textMembers.has(name) && isWords(name, member)),
  );
  return Object.fromEntries(
    kept.map(([name, member]) => [
      name,
      withoutTexts(member, within === 'definition' && namedMembers.has(name) ? 'names' : 'definition'),
    ]),
  );
}

function isWords(name: string, member: Json): boolean {
  return typeof member === 'string' || name === 'examples' || name === 'icons';
}
