import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../protocol/json.ts';
import { compileSchema, type SchemaOptions } from './schema.ts';

const limit = 64 * 1024;

const strict: SchemaOptions = { limit, members: 'named', formats: 'assert', trials: { left: 10_000 } };

function check(schema: JsonObject, args: JsonObject, open = false): readonly string[] | undefined {
  const compiled = compileSchema(schema, { limit, members: open ? 'any' : 'named', formats: 'assert' });
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.problem);
  return compiled.validate(args);
}

const text = (more: JsonObject): JsonObject => ({ type: 'object', properties: { a: { type: 'string', ...more } } });

test('two patterns are two patterns', () => {
  assert.equal(check(text({ pattern: '^x+$' }), { a: 'xx' }), undefined);
  assert.notEqual(check(text({ pattern: '^y+$' }), { a: 'xx' }), undefined);
  const both: JsonObject = {
    type: 'object',
    properties: { a: { type: 'string', pattern: '^x$' }, b: { type: 'string', pattern: '^y$' } },
  };
  assert.equal(check(both, { a: 'x', b: 'y' }), undefined);
  assert.notEqual(check(both, { a: 'x', b: 'x' }), undefined);
});
test('a hostile pattern is linear', () => {
  assert.notEqual(check(text({ pattern: '^(a+)+$' }), { a: `${'a'.repeat(50_000)}!` }), undefined);
});
test('a pattern that needs look-around is not enforced, and a note says so', () => {
  const compiled = compileSchema(text({ pattern: '^(?=x)y' }), strict);
  assert.ok(compiled.ok);
  assert.match(compiled.notes.join(), /look-around/);
});
test('missing, extra and mistyped arguments', () => {
  const schema: JsonObject = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
  assert.deepEqual(check(schema, {}), ['arguments: "a" is missing']);
  assert.deepEqual(check(schema, { a: 'x', b: 1 }), ['arguments: "b" is not an argument of this tool']);
  assert.deepEqual(check(schema, { a: 1 }), ['arguments/a: must be string']);
});
test('closed at the top whatever the server says, open where the operator says so', () => {
  for (const extra of [undefined, true, {}]) {
    const schema: JsonObject = {
      type: 'object',
      properties: {},
      ...(extra === undefined ? {} : { additionalProperties: extra }),
    };
    assert.notEqual(check(schema, { b: 1 }), undefined);
    assert.equal(check(schema, { b: 1 }, true), undefined);
  }
});
test('a declared dictionary stays one', () => {
  assert.equal(check({ type: 'object', additionalProperties: { type: 'string' } }, { any: 'x' }), undefined);
});
test('nested objects that name their members are closed, dictionaries are not', () => {
  const nested: JsonObject = {
    type: 'object',
    properties: { o: { type: 'object', properties: { a: {} } }, d: { type: 'object' } },
  };
  assert.notEqual(check(nested, { o: { b: 1 } }), undefined);
  assert.equal(check(nested, { d: { b: 1 } }), undefined);
});
test('composed schemas are closed to what no branch names', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: { kind: { type: 'string' } },
    oneOf: [
      { properties: { x: { type: 'number' } }, required: ['x'] },
      { properties: { y: { type: 'number' } }, required: ['y'] },
    ],
  };
  assert.equal(check(schema, { kind: 'k', x: 1 }), undefined);
  assert.notEqual(check(schema, { kind: 'k', x: 1, z: 1 }), undefined);
});
test('draft-07 where declared, other dialects refused', () => {
  assert.equal(
    check({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', properties: {} }, {}),
    undefined,
  );
  const other = compileSchema({ $schema: 'http://json-schema.org/draft-03/schema#', type: 'object' }, strict);
  assert.equal(other.ok, false);
});
test('references: inside the schema yes, anywhere else no', () => {
  const inside: JsonObject = {
    type: 'object',
    properties: { a: { $ref: '#/$defs/n' } },
    $defs: { n: { type: 'number' } },
  };
  assert.equal(check(inside, { a: 1 }), undefined);
  assert.notEqual(check(inside, { a: 'x' }), undefined);
  for (const $ref of ['http://127.0.0.1:1/schema', 'other.json', 'file:///etc/passwd'])
    assert.equal(compileSchema({ type: 'object', properties: { a: { $ref } } }, strict).ok, false);
});
test('a schema cannot be referred to by another through its id', () => {
  assert.ok(compileSchema({ $id: 'https://a.example/s', type: 'object', properties: {} }, strict).ok);
  assert.equal(compileSchema({ type: 'object', properties: { a: { $ref: 'https://a.example/s' } } }, strict).ok, false);
});
test('a schema that is too large, or no schema', () => {
  assert.equal(compileSchema(text({ description: 'x'.repeat(limit) }), strict).ok, false);
  assert.equal(compileSchema({ type: 'nonsense' }, strict).ok, false);
});

test('a reference in data is data', () => {
  const schema: JsonObject = { type: 'object', properties: { a: { const: { $ref: 'x' } }, $ref: { enum: ['y'] } } };
  assert.equal(check(schema, { a: { $ref: 'x' }, $ref: 'y' }), undefined);
  assert.notEqual(check(schema, { a: {} }), undefined);
});
test('equal items are found among many, in one look each', () => {
  const schema: JsonObject = { type: 'object', properties: { a: { type: 'array', uniqueItems: true } } };
  const items = Array.from({ length: 4_000 }, (_, index) => ({ a: index, b: [index] }));
  assert.equal(check(schema, { a: items }), undefined);
  assert.notEqual(check(schema, { a: [...items, { b: [7], a: 7 }] }), undefined);
  assert.notEqual(check(schema, { a: [1, 1] }), undefined);
  assert.equal(check({ properties: { a: { uniqueItems: false } } }, { a: [1, 1] }), undefined);
});
test('a schema writes nothing to standard error', (context) => {
  const written = context.mock.method(console, 'warn', () => {});
  check(text({ format: 'no\nsuch \u001b[2J' }), { a: 'x' });
  assert.equal(written.mock.callCount(), 0);
});

const draft07 = 'http://json-schema.org/draft-07/schema#';
test('a composed schema of draft-07 is closed as well', () => {
  const schema: JsonObject = {
    $schema: draft07,
    type: 'object',
    properties: { a: {} },
    allOf: [{ properties: { b: {} } }, { required: ['a'] }],
  };
  assert.equal(check(schema, { a: 1, b: 2 }), undefined);
  assert.deepEqual(check(schema, { a: 1, c: 2 }), ['arguments: "c" is not an argument of this tool']);
  assert.equal(check(schema, { a: 1, c: 2 }, true), undefined);
});
test('no spelling of silence opens a tool', () => {
  for (const more of [{}, { $schema: draft07 }, { anyOf: [true] }, { $schema: draft07, anyOf: [true] }] as JsonObject[])
    for (const rest of [true, {}])
      for (const keyword of ['additionalProperties', 'unevaluatedProperties']) {
        const schema: JsonObject = { type: 'object', properties: { a: {} }, ...more, [keyword]: rest };
        assert.equal(check(schema, { a: 1 }), undefined);
        assert.notEqual(check(schema, { a: 1, c: 2 }), undefined, JSON.stringify(schema));
      }
});
test('a condition without consequences refuses nothing, and names what it looks at where it holds', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: { a: {} },
    if: { properties: { kind: { const: 'x' } }, required: ['kind'] },
    unevaluatedProperties: false,
  };
  for (const open of [true, false]) {
    assert.equal(check(schema, { a: 1, kind: 'x' }, open), undefined);
    assert.equal(check(schema, { a: 1 }, open), undefined);
    assert.deepEqual(check(schema, { kind: 'y' }, open), ['arguments: "kind" is not an argument of this tool']);
    assert.notEqual(check(schema, { kind: 'x', other: 1 }, open), undefined);
  }
  const silent: JsonObject = { type: 'object', properties: { a: {} }, if: true };
  assert.notEqual(check(silent, { a: 1, c: 2 }), undefined);
  assert.notEqual(check({ ...silent, if: { additionalProperties: true } }, { a: 1, c: 2 }), undefined);
});
test('dependencies hold in both dialects', () => {
  for (const more of [{}, { $schema: draft07 }] as JsonObject[]) {
    const names: JsonObject = { ...more, properties: { a: {}, b: {} }, dependencies: { a: ['b'] } };
    assert.equal(check(names, { a: 1, b: 1 }), undefined);
    assert.notEqual(check(names, { a: 1 }), undefined);
    const schemas: JsonObject = {
      ...more,
      properties: { a: {} },
      dependencies: { a: { properties: { b: { const: 1 } } } },
    };
    assert.equal(check(schemas, { a: 1, b: 1 }), undefined);
    assert.notEqual(check(schemas, { a: 1, b: 2 }), undefined);
  }
});
test('multiples are exact for integers, and to the last place for fractions', () => {
  const isMultiple = (value: number, multipleOf: number): boolean =>
    check({ properties: { a: { multipleOf } } }, { a: value }) === undefined;
  for (const [value, of] of [
    [19.99, 0.01],
    [0.3, 0.1],
    [1.1, 0.1],
    [-4.35, 0.01],
    [0, 0.5],
    [1e20, 10],
    [9007199254740988, 7],
  ] as const)
    assert.ok(isMultiple(value, of), `${value} of ${of}`);
  for (const [value, of] of [
    [9007199254740990, 7],
    [9007199254740991, 10],
    [1e-12, 0.01],
    [0.0100000000001, 0.01],
    [1.5, 1],
  ] as const)
    assert.ok(!isMultiple(value, of), `${value} of ${of}`);
});

test('a large object costs its size, whatever ends a look at it', () => {
  const large: JsonObject = JSON.parse(
    JSON.stringify(Object.fromEntries(Array.from({ length: 9_000 }, (_, at) => [`k${at}`, at]))),
  );
  for (const branch of [
    { additionalProperties: false },
    { unevaluatedProperties: false },
    { propertyNames: false },
    { maxProperties: 1 },
    { const: { a: 1 } },
  ] as JsonObject[]) {
    const schema: JsonObject = { anyOf: Array.from({ length: 1_500 }, () => ({ ...branch })) };
    const before = process.cpuUsage();
    assert.match(String(check(schema, large, true)), /too large for the schema/);
    const { user, system } = process.cpuUsage(before);
    // Listing the keys for each branch took more than three seconds.
    assert.ok(user + system < 1_000_000, `${JSON.stringify(branch)}: ${user + system} µs`);
  }
});

test('spaces and ends of lines are those of ECMAScript', () => {
  const characters = [
    'a',
    '-',
    'x',
    ' ',
    '\t',
    '\v',
    '\n',
    '\r',
    '\u00a0',
    '\u1680',
    '\u2003',
    '\u2028',
    '\u2029',
    '\u3000',
    '\ufeff',
    '\u{1f600}',
  ];
  for (const pattern of [
    '^.$',
    '^\\s$',
    '^\\S$',
    '^[^\\s]$',
    '^[\\S]$',
    '^[\\s.]$',
    '^[^\\S-]$',
    '^[\\s-]$',
    '^\\.$',
    '^[^.]$',
    '^\\\\s$|^[\\]\\s]$',
    '^[\\s\\S]$',
  ])
    for (const character of characters)
      assert.equal(
        check(text({ pattern }), { a: character }) === undefined,
        new RegExp(pattern, 'u').test(character),
        `${pattern} ${JSON.stringify(character)}`,
      );
});

test('a property is enforced under each of its names, or a note says that it is not', () => {
  for (const pattern of ['^\\p{Script=Greek}$', '^\\p{sc=Greek}$', '^[\\p{gc=Lu}]$', '^\\P{General_Category=Ll}$']) {
    assert.equal(check(text({ pattern }), { a: '\u03a9' }), undefined, pattern);
    assert.notEqual(check(text({ pattern }), { a: 'a' }), undefined, pattern);
  }
  const compiled = compileSchema(text({ pattern: '^\\p{scx=Greek}$' }), strict);
  assert.ok(compiled.ok);
  assert.match(compiled.notes.join(), /does not know its properties/);
});
