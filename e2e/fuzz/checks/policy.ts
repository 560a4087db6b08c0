/** What decides: schemas of servers, URIs against patterns, conditions. */
import { compileSchema } from '../../../gateway/src/catalog/schema.ts';
import { exact, isObject, parseJsonText, settled } from '../../../gateway/src/protocol/json.ts';
import { mirroredArguments } from '../../../gateway/src/protocol/mirrored-headers.ts';
import { compileCondition } from '../../../gateway/src/stages/decide/condition.ts';
import { parseUri, type Uri } from '../../../gateway/src/stages/decide/uri.ts';
import { matchUri, parsePattern } from '../../../gateway/src/stages/decide/uri-pattern.ts';
import { canOverlap, covers, parseTemplate } from '../../../gateway/src/stages/decide/uri-template.ts';
import type { Check } from '../in-process.ts';
import { mutateText, mutateValue } from '../mutate.ts';
import type { Random } from '../random.ts';
import { corpusLines } from '../target.ts';

const schemaTexts = corpusLines('schemas.jsonl');
const limits = { depth: 64 };
const sampleArguments = [
  { n: 3, note: 'abc' },
  { when: '2026-01-01T00:00:00Z', to: ['a@example.org'] },
  { tree: { value: 1, next: { value: 2, next: {} } } },
  { a: 1, b: 'x', text: '1', list: ['a', 'b'], deep: { a: [{ b: null }], id: 1 }, n: 1 },
];

function inTwo(input: Buffer): readonly [string, string] {
  const text = input.toString();
  const at = text.indexOf('\n');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const joined = (first: string, second: string): Buffer => Buffer.from(`${first.replaceAll('\n', ' ')}\n${second}`);

const mutatedArguments = (random: Random): string =>
  JSON.stringify(mutateValue(random.pick(sampleArguments), random)) ?? 'null';

/** `limits` are those that a message of a server or client has passed before. */
function checkSchema(input: Buffer): string | undefined {
  const [schemaText, argumentsText] = inTwo(input);
  const [schema, args] = [parseJsonText(schemaText, limits), parseJsonText(argumentsText, limits)];
  if (!schema.ok || !isObject(schema.value)) return undefined;
  mirroredArguments(schema.value);
  const compiled = compileSchema(schema.value, {
    limit: 64 * 1024,
    members: input.length % 2 === 0 ? 'any' : 'named',
    formats: input.length % 3 === 0 ? 'annotate' : 'assert',
  });
  if (!compiled.ok || !args.ok || !isObject(args.value)) return undefined;
  const shape = settled(args.value);
  if (!isObject(shape)) return 'an object became something else';
  const [first, second] = [compiled.validate(shape), compiled.validate(shape)];
  return JSON.stringify(first) === JSON.stringify(second) ? undefined : 'the same arguments are judged in two ways';
}

export const schemas: Check = {
  name: 'schemas',
  make: (random) => {
    // Most schemas are seen again: compiling is what takes long.
    const schema = random.pick(schemaTexts);
    const changed = random.chance(0.3) ? JSON.stringify(mutateValue(JSON.parse(schema), random)) : schema;
    return joined(changed ?? '{}', mutatedArguments(random));
  },
  open: async () => checkSchema,
};

function written({ scheme, authority, rooted, segments, query, fragment }: Uri): string {
  const host = authority === undefined ? '' : `//${authority}`;
  const path = `${rooted ? '/' : ''}${segments.join('/')}`;
  return `${scheme}:${host}${path}${query === undefined ? '' : `?${query}`}${fragment === undefined ? '' : `#${fragment}`}`;
}

function checkUri(input: Buffer): string | undefined {
  const [patternText, uriText] = inTwo(input);
  const [pattern, uri] = [parsePattern(patternText), parseUri(uriText)];
  const template = parseTemplate(uriText);
  if (!uri.ok) return undefined;
  const again = parseUri(written(uri.uri));
  // `file:a` has the host of `file:///a` and still no slash, which no URI is written like.
  const isWritable = uri.uri.authority === undefined || uri.uri.rooted || uri.uri.segments.length === 0;
  if (isWritable && uriText.length < 8_000 && (!again.ok || written(again.uri) !== written(uri.uri)))
    return `its normal form is another URI: ${written(uri.uri)}`;
  if (!pattern.ok) return undefined;
  const [opening, closing] = [
    matchUri(pattern.pattern, uri.uri, 'opening'),
    matchUri(pattern.pattern, uri.uri, 'closing'),
  ];
  if (opening !== undefined && closing === undefined) return 'opens what it would not close';
  if (patternText === uriText && !/[{}*]/.test(uriText) && opening === undefined)
    return 'does not match the pattern of the same text';
  if (uriText.includes('{') || template === undefined) return undefined;
  if (opening !== undefined && !canOverlap(pattern.pattern, template))
    return 'matches a URI and does not overlap it as a template';
  // A variable in an authority stands for a host without a port, which `covers` does not look at.
  if (uri.uri.authority?.includes(':') !== true && closing === undefined && covers(pattern.pattern, template))
    return 'covers a URI as a template and would not close it';
  return undefined;
}

const uriTexts = corpusLines('uris.txt');

export const uris: Check = {
  name: 'URIs and patterns',
  make: (random) => {
    const some = (): string => {
      const text = random.pick(uriTexts);
      return random.chance(0.7) ? mutateText(text, random) : text;
    };
    const first = some();
    return joined(first, random.chance(0.4) ? mutateText(first.replace(/\{\w+\}/g, 'x'), random) : some());
  },
  open: async () => checkUri,
};

const caller = {
  user: 'dana',
  agent: 'bot',
  application: '',
  roles: ['staff'],
  groups: [],
  scopes: [],
  claims: {},
  attributes: { level: 3 },
  trust: 'trusted',
};

function checkCondition(input: Buffer): string | undefined {
  const [source, argumentsText] = inTwo(input);
  const args = parseJsonText(argumentsText, limits);
  for (const kind of ['arguments', 'resource'] as const) {
    const compiled = compileCondition(source, kind, ['id']);
    if (!compiled.ok) continue;
    const result = compiled.condition.evaluate({
      ...(kind === 'arguments' ? { args: args.ok ? exact(args.value) : {} } : { uri: { id: '1' } }),
      caller,
      time: new Date(1_800_000_000_000),
    });
    if (typeof result !== 'boolean' && typeof result !== 'string') return `the outcome is ${typeof result}`;
  }
  return undefined;
}

const conditionTexts = corpusLines('conditions.txt');

export const conditions: Check = {
  name: 'conditions',
  make: (random) => {
    const text = random.pick(conditionTexts);
    return joined(random.chance(0.7) ? mutateText(text, random) : text, mutatedArguments(random));
  },
  open: async () => checkCondition,
};
