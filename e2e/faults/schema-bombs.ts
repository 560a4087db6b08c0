/** Schemas and arguments that are small to send and dear to compare, one for each kind of cost. */

export interface Bomb {
  readonly name: string;
  readonly schema: object;
  readonly args: object;
}

type Schema = Readonly<Record<string, unknown>>;

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const record = <T>(count: number, make: (index: number) => T): Record<string, T> =>
  Object.fromEntries(times(count, (at) => [`k${at}`, make(at)]));
const tool = (a: Schema, more: Schema = {}): Schema => ({ type: 'object', properties: { a }, ...more });

const doubling = (keyword: string): Schema => ({
  ...tool({ $ref: '#/$defs/d0' }),
  $defs: {
    ...Object.fromEntries(
      times(24, (at) => [`d${at}`, { [keyword]: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] }]),
    ),
    d24: { type: 'null' },
  },
});

const wide = times(2_000, (at) => ({ type: 'object', properties: { x: { const: at } }, required: ['x'] }));
const items = times(10_000, (at) => ({ x: -1 - at }));
const long = 'a'.repeat(1_000_000);

export const bombs: readonly Bomb[] = [
  ...['anyOf', 'oneOf', 'allOf'].map((keyword) => ({
    name: `${keyword} doubled`,
    schema: doubling(keyword),
    args: { a: 1 },
  })),
  { name: 'anyOf for each item', schema: tool({ items: { anyOf: wide } }), args: { a: items } },
  { name: 'oneOf for each item', schema: tool({ items: { oneOf: wide } }), args: { a: items } },
  {
    name: 'contains',
    schema: tool({ items: { contains: { anyOf: wide } } }),
    args: { a: times(10_000, () => [1, 2, 3]) },
  },
  { name: 'uniqueItems', schema: tool({ uniqueItems: true }), args: { a: items } },
  {
    name: 'uniqueItems, nested',
    schema: tool({ uniqueItems: true, items: { uniqueItems: true } }),
    args: { a: times(300, () => items.slice(0, 300)) },
  },
  {
    name: 'enum of objects',
    schema: tool({ items: { enum: times(2_000, (at) => ({ x: { y: at } })) } }),
    args: { a: items },
  },
  {
    name: 'const of a large value',
    schema: tool({ items: { const: record(5_000, (at) => at) } }),
    args: { a: times(200, () => record(5_000, (at) => at)) },
  },
  {
    name: 'required',
    schema: tool({ items: { required: times(10_000, (at) => `k${at}`) } }),
    args: { a: times(1_000, () => record(100, (at) => at)) },
  },
  {
    name: 'dependentRequired',
    schema: tool({ items: { dependentRequired: record(500, () => times(20, (at) => `k${at}`)) } }),
    args: { a: times(1_000, () => record(100, (at) => at)) },
  },
  {
    name: 'dependentSchemas',
    schema: tool({ items: { dependentSchemas: record(500, () => ({ minProperties: 1 })) } }),
    args: { a: times(1_000, () => record(100, (at) => at)) },
  },
  {
    name: 'patternProperties',
    schema: tool({ patternProperties: Object.fromEntries(times(100, (at) => [`^(k|x)*${at}$`, {}])) }),
    args: { a: record(20_000, () => 1) },
  },
  {
    name: 'propertyNames',
    schema: tool({ propertyNames: { anyOf: times(1_000, (at) => ({ const: `z${at}` })) } }),
    args: { a: record(20_000, () => 1) },
  },
  {
    name: 'unevaluatedProperties',
    schema: tool({ unevaluatedProperties: false, anyOf: times(500, () => ({ additionalProperties: true })) }),
    args: { a: record(20_000, () => 1) },
  },
  {
    name: 'not',
    schema: tool({ items: { allOf: times(500, () => ({ not: { type: 'string' } })) } }),
    args: { a: items },
  },
  { name: 'pattern of many branches', schema: tool({ pattern: '(a?){400}a{400}' }), args: { a: long } },
  { name: 'pattern of large repetitions', schema: tool({ pattern: 'a{1000}'.repeat(250) }), args: { a: long } },
  {
    name: 'many patterns',
    schema: tool({ allOf: times(300, (at) => ({ pattern: `${at}|(a?){40}a{40}` })) }),
    args: { a: long.slice(0, 1_000) },
  },
  ...[
    'url',
    'uri',
    'uri-reference',
    'uri-template',
    'email',
    'hostname',
    'byte',
    'duration',
    'json-pointer',
    'date-time',
    'ipv6',
    'regex',
  ].flatMap((format) =>
    ['a', 'http://a.', '/~0', '{', 'P1', '%2', ':', 'a.', '@', '='].map((piece) => ({
      name: `format ${format} of ${piece}`,
      schema: tool({ format }),
      args: { a: `http://${piece.repeat(45_000)}\u0000` },
    })),
  ),
  { name: 'reference to itself', schema: tool({ $ref: '#/properties/a' }), args: { a: 1 } },
  {
    name: 'long chain',
    schema: {
      ...tool({ $ref: '#/$defs/k0' }),
      $defs: record(4_000, (at) => ({ $ref: `#/$defs/k${(at + 1) % 4_001}` })),
    },
    args: { a: 1 },
  },
  {
    name: 'recursion on deep arguments',
    schema: {
      ...tool({ $ref: '#/$defs/n' }),
      $defs: { n: { anyOf: [{ items: { $ref: '#/$defs/n' } }, { items: { $ref: '#/$defs/n' } }] } },
    },
    args: { a: times(50, () => 0).reduce<unknown>((inner) => [inner], 1) },
  },
  {
    name: 'recursion that fails deep down',
    schema: {
      ...tool({ $ref: '#/$defs/n' }),
      $defs: { n: { anyOf: times(2, () => ({ type: 'array', items: { $ref: '#/$defs/n' } })) } },
    },
    args: { a: times(50, () => 0).reduce<unknown>((inner) => [inner], 1) },
  },
  {
    name: 'many members',
    schema: tool({ properties: record(10_000, () => ({ type: 'string', minLength: 1 })) }),
    args: { a: record(10_000, () => 'x') },
  },
  {
    name: 'long text',
    schema: tool({ items: { minLength: 1, maxLength: 5_000_000 } }),
    args: { a: times(4, () => long) },
  },
  { name: 'large arguments', schema: tool({ items: { type: 'integer' } }), args: { a: times(1_000_000, () => 1) } },
  {
    name: 'ids',
    schema: { ...tool({}), $defs: record(4_000, (at) => ({ $id: `https://a.example/${at}`, type: 'null' })) },
    args: { a: 1 },
  },
];

/** Schemas and arguments that come as near to a bound as they can and stay within it, or go just beyond. */
export const atTheBounds: readonly Bomb[] = [
  {
    name: 'as many subschemas as may be',
    schema: tool({ properties: record(7_900, () => ({ type: 'null' })) }),
    args: {},
  },
  {
    name: 'references, each to the same place',
    schema: {
      ...tool({}),
      $defs: { x: { type: 'null' }, y: { properties: record(6_000, () => ({ $ref: '#/$defs/x' })) } },
    },
    args: {},
  },
  {
    name: 'references, each in its own words',
    schema: {
      ...tool({}),
      $defs: { y: { properties: record(1_500, (at) => ({ $ref: `a${at}/../${'../'.repeat(20)}root/` })) } },
    },
    args: {},
  },
  {
    name: 'classes of many ranges',
    schema: tool({
      allOf: times(120, (at) => ({
        pattern: `[${times(900, (each) => String.fromCodePoint(0x100 + at + 2 * each)).join('')}]`,
      })),
    }),
    args: { a: 'b' },
  },
  {
    name: 'classes without regard to case',
    schema: tool({ pattern: `(?i)[${'a-\uffff'.repeat(200)}]` }),
    args: { a: 'b' },
  },
  {
    name: 'classes of properties',
    schema: tool({ allOf: times(66, (at) => ({ pattern: `[\\p{L}\\p{N}]${at}` })) }),
    args: { a: 'b' },
  },
  {
    name: 'properties that do not exist',
    schema: tool({ allOf: times(4_000, (at) => ({ pattern: `\\p{Foo${at}}` })) }),
    args: { a: 'b' },
  },
  {
    name: 'many small patterns',
    schema: tool({ allOf: times(3_900, (at) => ({ pattern: `a${at}` })) }),
    args: { a: 'b' },
  },
  {
    name: 'a table',
    schema: tool({
      items: {
        properties: { a: { type: 'integer' }, b: { type: 'string', maxLength: 9 }, c: { anyOf: [{ type: 'null' }] } },
      },
    }),
    args: { a: times(12_000, (at) => ({ a: at, b: 'x', c: null })) },
  },
  {
    name: 'a composed table',
    schema: tool({ items: { allOf: [{ properties: { a: {}, b: {}, c: {} } }] } }),
    args: { a: times(12_000, (at) => ({ a: at, b: 'x', c: null })) },
  },
  {
    name: 'fractions',
    schema: tool({ items: { multipleOf: 0.01 } }),
    args: { a: times(60_000, (at) => at / 100) },
  },
  { name: 'items that contain', schema: tool({ contains: { const: 7 } }), args: { a: times(60_000, () => 8) } },
  {
    name: 'texts that differ',
    schema: tool({ uniqueItems: true }),
    args: { a: times(60_000, (at) => `xxxxxxxx${at}`) },
  },
  {
    name: 'times',
    schema: tool({ items: { format: 'date-time' } }),
    args: { a: times(60_000, () => '2020-01-01T00:00:00.123Z') },
  },
];
