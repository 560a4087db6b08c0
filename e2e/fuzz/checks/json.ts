/** The strict JSON reader against `JSON.parse`, and messages out of what it accepts. */
import { decode } from '../../../gateway/src/protocol/decode.ts';
import { isObject, type Json, nearest, parseJson } from '../../../gateway/src/protocol/json.ts';
import { decodeHeader, encodeHeader } from '../../../gateway/src/protocol/mirrored-headers.ts';
import { bombs } from '../../faults/bombs.ts';
import type { Check } from '../in-process.ts';
import { mutateText, mutateValue } from '../mutate.ts';
import type { Random } from '../random.ts';
import { corpusLines } from '../target.ts';

const messages = corpusLines('messages.jsonl');

/** A message of the corpus, changed as a value, as text, or both. */
export function mutatedMessage(random: Random): string {
  const line = random.pick(messages);
  const value = random.chance(0.6) ? JSON.stringify(mutateValue(JSON.parse(line), random)) : line;
  return random.chance(0.6) ? mutateText(value, random) : value;
}

function compare(input: Buffer): string | undefined {
  const strict = parseJson(input, { depth: 64, member: 'result' });
  const text = input.toString();
  if (!strict.ok) {
    if (strict.fault !== 'syntax') return undefined;
    return plainly(text) === undefined ? undefined : 'refused as no JSON, and JSON.parse reads it';
  }
  const plain = plainly(text);
  if (plain === undefined) return 'accepted, and JSON.parse refuses it';
  if (JSON.stringify(nearest(strict.value)) !== JSON.stringify(plain.value)) return 'read as something else';
  if (strict.memberText !== undefined) {
    const member = (plain.value as { result: unknown }).result;
    if (JSON.stringify(JSON.parse(strict.memberText)) !== JSON.stringify(member)) return 'the member is another text';
  }
  return messageIn(strict.value);
}

function plainly(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function messageIn(value: Json): string | undefined {
  const method = isObject(value) && typeof value.method === 'string' ? value.method : '';
  const params = isObject(value) && isObject(value.params) ? value.params : {};
  const name = typeof params.name === 'string' ? params.name : typeof params.uri === 'string' ? params.uri : '';
  if (name.isWellFormed() && decodeHeader(encodeHeader(name)) !== name) return 'the header does not mirror the name';
  const headers: Readonly<Record<string, string>> = {
    'mcp-method': method,
    'mcp-name': encodeHeader(name),
    'mcp-protocol-version': '2026-07-28',
  };
  for (const reader of [undefined, (header: string) => headers[header]]) {
    const read = decode(value, reader, 256);
    if (!read.ok || read.decoded.kind !== 'request') continue;
    const { id, method: named } = read.decoded;
    if (named !== method) return 'another method was decoded';
    if (typeof id === 'string' ? id.length > 256 : !Number.isSafeInteger(id)) return 'an id of no allowed shape';
  }
  return undefined;
}

export const json: Check = {
  name: 'json and messages',
  make: (random) =>
    Buffer.from(
      random.chance(0.001) ? random.pick(bombs).make(1 + random.below(100_000) + 64) : mutatedMessage(random),
    ),
  open: async () => compare,
};
