/**
 * Takes out of results what the rules that let a call through do not let this caller see: fields of structured content, of
 * text that is JSON, and of JSON and CSV resources. What cannot be read as either is withheld where a mask applies.
 */
import { defineInspector, type OutboundVerdict } from '../../../pipeline/contracts/inspector.ts';
import type { Mask } from '../../../pipeline/contracts/policy.ts';
import { inTurns } from '../../../pipeline/turns.ts';
import { asText, isObject, type Json, type JsonObject, parseJsonText } from '../../../protocol/json.ts';
import { longText, readingLongJson } from '../../../protocol/json-pieces.ts';
import { isRawJSON } from '../../../protocol/numbers.ts';
import { type Pointer, withoutFields } from './fields.ts';
import { withoutColumns } from './table.ts';

const note = '[withheld: a mask applies, and nothing can be masked in this content]';
const maxDepth = 128;

/** What all masks on one call come to. */
interface Fields {
  readonly pointers: readonly Pointer[];
  readonly keepsText: boolean;
}

/** What stands in the place of a text. */
type OnText = (text: string, mimeType: string, masking: Masking) => string;

interface Masking extends Fields {
  readonly onText: OnText;
}

/** A text to be masked: to read all of one message takes most of a second, so that they are masked in turns. */
interface Text {
  readonly text: string;
  readonly mimeType: string;
  readonly masking: Fields;
}

export const masks = defineInspector({
  id: 'masks',
  summary: 'Takes out of results the fields that the rule masks for this caller.',
  outbound(said, { exchange }) {
    const all = exchange?.decision.masks;
    if (all === undefined || exchange === undefined) return undefined;
    const fields = fieldsOf(all);
    const content = said.content as JsonObject;
    const texts: Text[] = [];
    const see: OnText = (text, mimeType, masking) => {
      texts.push({ text, mimeType, masking });
      return text;
    };
    maskedContent(said.kind, content, { ...fields, onText: see });
    const conclude = (masked: readonly string[]): OutboundVerdict => {
      // The same walk as before, so that they come in the same order.
      let next = 0;
      const change = maskedContent(said.kind, content, { ...fields, onText: () => masked[next++] ?? note });
      if (change === content) return undefined;
      exchange.checks.add({ name: 'masks', part: said.kind, verdict: 'masked' });
      return { change };
    };
    const masked = inTurns(maskedTexts(texts));
    return masked instanceof Promise ? masked.then(conclude) : conclude(masked);
  },
});

const known = new WeakMap<readonly Mask[], Fields>();

function fieldsOf(all: readonly Mask[]): Fields {
  const found = known.get(all);
  if (found !== undefined) return found;
  const fields = {
    pointers: all.flatMap(({ pointers }) => pointers),
    keepsText: all.every(({ text }) => text === 'keep'),
  };
  known.set(all, fields);
  return fields;
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
  if (texts.has(leaf.trim()) || holdsObjects.test(leaf)) return masking.onText(leaf, '', masking);
  return /^\s*\[/.test(leaf) ? masking.onText(leaf, '', { ...masking, keepsText: true }) : leaf;
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
function maskedStructure(value: Json, { pointers }: Fields): Json {
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
      if (name === 'text') return masking.onText(text, asText(block.mimeType), withItems(masking));
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
function withItems(masking: Masking): Masking {
  const { pointers } = masking;
  const items = pointers.flatMap((pointer) =>
    /^(?:\*|\d+)$/.test(pointer[0] ?? '') && pointer.length > 1 ? [pointer.slice(1)] : [],
  );
  return items.length === 0 ? masking : { ...masking, pointers: [...pointers, ...items] };
}

function* maskedTexts(texts: readonly Text[]): Generator<undefined, readonly string[]> {
  const masked: string[] = [];
  for (const each of texts) {
    masked.push(yield* maskedText(each));
    yield;
  }
  return masked;
}

function* maskedText({ text, mimeType, masking }: Text): Generator<undefined, string> {
  const { pointers, keepsText } = masking;
  if (text.trim() === '') return text;
  if (/^text\/csv\b/i.test(mimeType)) return (yield* withoutColumns(text, pointers)) ?? (keepsText ? text : note);
  // A text or number alone may be just what is to be masked.
  if (!/^\s*[[{]/.test(text)) return keepsText ? text : note;
  const limits = { depth: maxDepth, looseText: true };
  const parsed = text.length < longText ? parseJsonText(text, limits) : yield* readingLongJson(text, limits);
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null) return keepsText ? text : note;
  const left = maskedStructure(parsed.value, masking);
  if (left === parsed.value) return text;
  return JSON.stringify(left, undefined, /^\s*[[{]\s*\n/.test(text) ? 2 : undefined);
}

/** Errors and notifications: `texts` are members that hold words of the server. */
function maskedNotice(content: JsonObject, texts: readonly string[], masking: Masking): JsonObject {
  return mapped(content, (member, name) => {
    if (typeof member === 'object' && member !== null)
      return name === '_meta' && isObject(member)
        ? reservedMeta(member)
        : withLeaves(maskedStructure(member, masking), (leaf) => maskedLeaf(leaf, noTexts, masking));
    return texts.includes(name) && typeof member === 'string' ? masking.onText(member, '', masking) : member;
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
