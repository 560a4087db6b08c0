/**
 * The dialects of JSON Schema: which keywords each knows, and the shape that a keyword must have. A word that a dialect
 * does not know is an annotation there.
 */
import { isObject, type Json, type JsonObject } from '../protocol/json.ts';
import { compareNumbers, isNumeric } from '../protocol/numbers.ts';

export type Dialect = 'draft-04' | 'draft-06' | 'draft-07' | '2019-09' | '2020-12';

/** A Map: the key is text of a server, and every object has a member `constructor`. */
const byName: ReadonlyMap<string, Dialect> = new Map([
  ['json-schema.org/draft/2020-12/schema', '2020-12'],
  ['json-schema.org/draft/2019-09/schema', '2019-09'],
  ['json-schema.org/draft-07/schema', 'draft-07'],
  ['json-schema.org/draft-06/schema', 'draft-06'],
  ['json-schema.org/draft-04/schema', 'draft-04'],
]);

/** The dialect that a schema declares; 2020-12 where it declares none; `undefined` for one that is not known. */
export function dialectOf({ $schema: declared }: JsonObject): Dialect | undefined {
  if (declared === undefined) return '2020-12';
  return typeof declared === 'string' ? byName.get(declared.replace(/^https?:\/\//, '').replace(/#$/, '')) : undefined;
}

export type Shape = 'schema' | 'schemas' | 'map' | 'items' | 'dependencies' | ((value: Json) => boolean);

const typeNames: ReadonlySet<Json> = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);

const isCount = (value: Json): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0;
const isText = (value: Json): boolean => typeof value === 'string';
const isBoolean = (value: Json): boolean => typeof value === 'boolean';
const isTexts = (value: Json): boolean => Array.isArray(value) && (value as readonly Json[]).every(isText);
const isType = (value: Json): boolean =>
  Array.isArray(value) ? (value as readonly Json[]).every((name) => typeNames.has(name)) : typeNames.has(value);
/** As a flag beside `maximum` it is a word of draft-04, which generators still write without saying so. */
const isExclusive = (value: Json): boolean => isNumeric(value) || isBoolean(value);

const all: readonly (readonly [string, Shape])[] = [
  ['type', isType],
  ['enum', (value) => Array.isArray(value)],
  ['const', () => true],
  ['multipleOf', (value) => isNumeric(value) && compareNumbers(value, 0) > 0],
  ['maximum', isNumeric],
  ['exclusiveMaximum', isExclusive],
  ['minimum', isNumeric],
  ['exclusiveMinimum', isExclusive],
  ['maxLength', isCount],
  ['minLength', isCount],
  ['maxItems', isCount],
  ['minItems', isCount],
  ['maxProperties', isCount],
  ['minProperties', isCount],
  ['pattern', isText],
  ['format', isText],
  ['$ref', isText],
  ['$id', isText],
  ['id', isText],
  ['uniqueItems', isBoolean],
  ['required', isTexts],
  ['properties', 'map'],
  ['patternProperties', 'map'],
  ['definitions', 'map'],
  ['$defs', 'map'],
  ['additionalProperties', 'schema'],
  ['propertyNames', 'schema'],
  ['contains', 'schema'],
  ['not', 'schema'],
  ['if', 'schema'],
  ['then', 'schema'],
  ['else', 'schema'],
  ['allOf', 'schemas'],
  ['anyOf', 'schemas'],
  ['oneOf', 'schemas'],
  ['dependencies', 'dependencies'],
  ['items', 'items'],
  ['additionalItems', 'schema'],
  ['prefixItems', 'schemas'],
  ['maxContains', isCount],
  ['minContains', isCount],
  ['unevaluatedItems', 'schema'],
  ['unevaluatedProperties', 'schema'],
  ['dependentSchemas', 'map'],
  ['dependentRequired', (value) => isObject(value) && Object.values(value).every(isTexts)],
  ['$anchor', isText],
  ['$dynamicAnchor', isText],
  ['$dynamicRef', isText],
  ['$recursiveAnchor', isBoolean],
  ['$recursiveRef', (value) => value === '#'],
];

const since2020 = ['prefixItems', '$dynamicRef', '$dynamicAnchor'];
const since2019 = [
  'unevaluatedItems',
  'unevaluatedProperties',
  'dependentSchemas',
  'dependentRequired',
  'maxContains',
  'minContains',
  '$anchor',
];
const only2019 = ['$recursiveRef', '$recursiveAnchor'];
const sinceDraft07 = ['if', 'then', 'else'];
const sinceDraft06 = ['const', 'contains', 'propertyNames', '$id'];

/**
 * `items` as a list, `dependencies` and flags beside limits are understood in every dialect: servers that declare none
 * write them, and mean what an older dialect says.
 */
const unknown: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  'draft-04': new Set([...since2020, ...only2019, ...since2019, ...sinceDraft07, ...sinceDraft06]),
  'draft-06': new Set([...since2020, ...only2019, ...since2019, ...sinceDraft07, 'id']),
  'draft-07': new Set([...since2020, ...only2019, ...since2019, 'id']),
  '2019-09': new Set([...since2020, 'id']),
  '2020-12': new Set([...only2019, 'id']),
};

const shapes = new Map(
  [...byName.values()].map((dialect) => [dialect, new Map(all.filter(([word]) => !unknown[dialect].has(word)))]),
);

export function shapesOf(dialect: Dialect): ReadonlyMap<string, Shape> {
  return shapes.get(dialect) ?? new Map<string, Shape>();
}

/** The schema with those keywords only that its dialect knows; itself, where it knows all. */
export function inDialect(schema: JsonObject, dialect: Dialect): JsonObject {
  const strange = unknown[dialect];
  const keywords = Object.keys(schema);
  if (!keywords.some((keyword) => strange.has(keyword))) return schema;
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !strange.has(keyword)));
}

/** Keywords whose subschemas apply to the same value; references do as well. */
export const inPlace: ReadonlySet<string> = new Set([
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'dependentSchemas',
  'dependencies',
]);

/** The subschemas in the value of a keyword; `undefined` when the value has not the shape. */
export function subschemasOf(shape: Shape, value: Json): readonly Json[] | undefined {
  if (typeof shape === 'function') return shape(value) ? [] : undefined;
  switch (shape) {
    case 'schema':
      return [value];
    case 'schemas':
      return Array.isArray(value) && value.length > 0 ? (value as readonly Json[]) : undefined;
    case 'items':
      return Array.isArray(value) ? (value as readonly Json[]) : [value];
    case 'map':
      return isObject(value) ? Object.values(value) : undefined;
    case 'dependencies':
      return isObject(value) ? Object.values(value).filter((member) => !isTexts(member)) : undefined;
  }
}
