/**
 * Takes out of results what the rules that let a call through do not let this caller see: fields of structured content, of
 * text that is JSON, and of JSON and CSV resources. What cannot be read as either is withheld where a mask applies.
 */
import { defineInspector } from '../../../pipeline/contracts/inspector.ts';
import type { Mask } from '../../../pipeline/contracts/policy.ts';
import { asText, isObject, type Json, type JsonObject, parseJsonText } from '../../../protocol/json.ts';
import { isRawJSON } from '../../../protocol/numbers.ts';
import { type Pointer, withoutFields } from './fields.ts';
import { withoutColumns } from './table.ts';

const note = '[withheld: a mask applies, and nothing can be masked in this content]';
const maxDepth = 128;

/** What all masks on one call come to. */
interface Masking {
  readonly pointers: readonly Pointer[];
  readonly keepsText: boolean;
}

export const masks = defineInspector({
  id: 'masks',
  summary: 'Takes out of results the fields that the rule masks for this caller.',
  outbound(said, { exchange }) {
    const all = exchange?.decision.masks;
    if (all === undefined || exchange === undefined) return undefined;
    const masking = maskingOf(all);
    const content = said.content as JsonObject;
    const change = maskedContent(said.kind, content, masking);
    if (change === content) return undefined;
    exchange.checks.add({ name: 'masks', part: said.kind, verdict: 'masked' });
    return { change };
  },
});

const known = new WeakMap<readonly Mask[], Masking>();

function maskingOf(all: readonly Mask[]): Masking {
  const found = known.get(all);
  if (found !== undefined) return found;
  const masking = {
    pointers: all.flatMap(({ pointers }) => pointers),
    keepsText: all.every(({ text }) => text === 'keep'),
  };
  known.set(all, masking);
  return masking;
}

function maskedContent(kind: string, content: JsonObject, masking: Masking): JsonObject {
  switch (kind) {
    case 'result':
      return maskedResult(content, masking);
    case 'error':
      return maskedNotice(content, ['message', 'data'], masking);
    case 'notification':
      return maskedNotice(content, ['message', 'data'], masking);
    default:
      return content;
  }
}

const noTexts: ReadonlySet<string> = new Set();

/** Members of results in which no data of the server stands. */
const plainMembers: ReadonlySet<string> = new Set(['resultType', 'isError', 'ttlMs', 'cacheScope', 'nextCursor']);

function maskedResult(result: JsonObject, masking: Masking): JsonObject {
  const texts = textsOf(result);
  return mapped(result, (member, name) => {
    if (plainMembers.has(name)) return member;
    if (name === '_meta') return isObject(member) ? reservedMeta(member) : undefined;
    if (name === 'content' || name === 'contents')
      return Array.isArray(member) ? items(member as readonly Json[], masking) : undefined;
    // What no specification names holds data all the same.
    if (name !== 'structuredContent' && typeof member !== 'object') return undefined;
    return withLeaves(maskedStructure(member, masking), (leaf) => maskedLeaf(leaf, texts, masking));
  });
}

/** Texts of the content: servers repeat them in structured content. */
function textsOf({ content }: JsonObject): ReadonlySet<string> {
  const blocks = Array.isArray(content) ? (content as readonly Json[]) : [];
  return new Set(
    blocks.flatMap((block) => (isObject(block) && typeof block.text === 'string' ? [block.text.trim()] : [])),
  );
}

/** A text within structured content: as in the content where it stands there, and masked where it is JSON itself. */
function maskedLeaf(leaf: string, texts: ReadonlySet<string>, masking: Masking): string {
  if (texts.has(leaf.trim()) || holdsObjects.test(leaf)) return maskedText(leaf, '', masking);
  return /^\s*\[/.test(leaf) ? maskedText(leaf, '', { ...masking, keepsText: true }) : leaf;
}

/**
 * A member of an object, anywhere in the text: a line of many, an event of a stream, an object with a name twice. What of it cannot
 * be read as JSON is withheld like any other content.
 */
const holdsObjects = /[{,]\s*"(?:[^"\\]|\\.){0,256}"\s*:/;

/** The value with each text in it as `change` leaves it; the same one where all stay. Bounded by the depth of messages. */
function withLeaves(value: Json, change: (leaf: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null || isRawJSON(value)) return value;
  if (!Array.isArray(value)) return mapped(value as JsonObject, (member) => withLeaves(member, change));
  const items = value as readonly Json[];
  const changed = items.map((item) => withLeaves(item, change));
  return changed.every((item, index) => item === items[index]) ? value : changed;
}

/** Some libraries put what is no object under `result`: the pointers are tried on both. */
function maskedStructure(value: Json, { pointers }: Masking): Json {
  const masked = withoutFields(value, pointers);
  if (!isObject(masked) || Object.keys(masked).length !== 1 || masked.result === undefined) return masked;
  const inner = withoutFields(masked.result, pointers);
  return inner === masked.result ? masked : { result: inner };
}

/** Members under names of the protocol; those of the server may hold anything. */
function reservedMeta(meta: JsonObject): JsonObject {
  const kept = Object.entries(meta).filter(([name]) => name.startsWith('io.modelcontextprotocol/'));
  return kept.length === Object.keys(meta).length ? meta : Object.fromEntries(kept);
}

function items(blocks: readonly Json[], masking: Masking): readonly Json[] {
  const masked = blocks.map((block) => (isObject(block) ? maskedBlock(block, masking) : note));
  return masked.every((block, index) => block === blocks[index]) ? blocks : masked;
}

/** Content of a tool, or of a resource. */
function maskedBlock(block: JsonObject, masking: Masking): JsonObject {
  const { type } = block;
  if (type === 'resource_link') return block;
  if (type === 'resource')
    return mapped(block, (member, name) =>
      name === 'resource' && isObject(member) ? maskedBlock(member, masking) : member,
    );
  if (typeof block.text === 'string') {
    const { text } = block;
    return mapped(block, (member, name) => {
      if (name === 'text') return maskedText(text, asText(block.mimeType), withItems(masking));
      if (name === '_meta') return isObject(member) ? reservedMeta(member) : undefined;
      // What stands beside the text may say the same in another form.
      return plainBlockMembers.has(name) ? member : undefined;
    });
  }
  if (masking.keepsText) return block;
  // An image, a sound, a blob: what it shows cannot be known.
  const { uri } = block;
  return uri === undefined ? { type: 'text', text: note } : { uri, mimeType: 'text/plain', text: note };
}

const plainBlockMembers: ReadonlySet<string> = new Set(['type', 'uri', 'mimeType', 'name', 'title', 'annotations']);

/** Some libraries write each item of a list as a text of its own: the pointers are tried without the place in the list as well. */
function withItems({ pointers, keepsText }: Masking): Masking {
  const items = pointers.flatMap((pointer) =>
    /^(?:\*|\d+)$/.test(pointer[0] ?? '') && pointer.length > 1 ? [pointer.slice(1)] : [],
  );
  return items.length === 0 ? { pointers, keepsText } : { pointers: [...pointers, ...items], keepsText };
}

function maskedText(text: string, mimeType: string, { pointers, keepsText }: Masking): string {
  if (text.trim() === '') return text;
  if (/^text\/csv\b/i.test(mimeType)) return withoutColumns(text, pointers) ?? (keepsText ? text : note);
  // A text or number alone may be just what is to be masked.
  if (!/^\s*[[{]/.test(text)) return keepsText ? text : note;
  const parsed = parseJsonText(text, { depth: maxDepth, looseText: true });
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null) return keepsText ? text : note;
  const masked = maskedStructure(parsed.value, { pointers, keepsText });
  if (masked === parsed.value) return text;
  return JSON.stringify(masked, undefined, /^\s*[[{]\s*\n/.test(text) ? 2 : undefined);
}

/** Errors and notifications: `texts` are members that hold words of the server. */
function maskedNotice(content: JsonObject, texts: readonly string[], masking: Masking): JsonObject {
  return mapped(content, (member, name) => {
    if (typeof member === 'object' && member !== null)
      return name === '_meta' && isObject(member)
        ? reservedMeta(member)
        : withLeaves(maskedStructure(member, masking), (leaf) => maskedLeaf(leaf, noTexts, masking));
    return texts.includes(name) && typeof member === 'string' ? maskedText(member, '', masking) : member;
  });
}

/** The object with each member as `change` leaves it, without those of which it leaves nothing; the same one where all stay. */
function mapped(object: JsonObject, change: (member: Json, name: string) => Json | undefined): JsonObject {
  let isChanged = false;
  const kept: (readonly [string, Json])[] = [];
  for (const [name, member] of Object.entries(object)) {
    const left = change(member, name);
    if (left !== member) isChanged = true;
    if (left !== undefined) kept.push([name, left]);
  }
  return isChanged ? Object.fromEntries(kept) : object;
}
