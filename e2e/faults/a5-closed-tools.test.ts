/** A5: only the operator opens a tool, and an argument that some schema names is never refused as a stranger. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTools, type ToolWorld, toolOf } from './tool-calls.ts';

const named = (name: string): object => ({ type: 'object', properties: { [name]: {} } });
const openings: readonly object[] = [
  { allOf: [{ additionalProperties: true }] },
  { anyOf: [{ additionalProperties: {} }, named('b')] },
  { oneOf: [{ unevaluatedProperties: true }] },
  { $ref: '#/$defs/open', $defs: { open: { additionalProperties: { description: 'anything' } } } },
  { allOf: [{ allOf: [{ additionalProperties: { anyOf: [true, { type: 'null' }] } }] }] },
  JSON.parse('{ "if": true, "then": { "additionalProperties": true } }') as object,
  { dependentSchemas: { a: { additionalProperties: true } } },
  { patternProperties: { '': {} } },
  { patternProperties: { '.*': true } },
  { patternProperties: { '(?=x)': {} } },
  { additionalProperties: { not: { not: {} } } },
];

const $defs = { one: named('b'), two: named('c') };
const both = { allOf: [{ $ref: '#/$defs/one' }, { $ref: '#/$defs/two' }] };
const places = [
  { name: 'top', inputSchema: { ...both, $defs } },
  toolOf('nested', both, { $defs }),
  toolOf('optional', { anyOf: [{ $ref: '#/$defs/one' }, { type: 'null' }] }, { $defs }),
  toolOf('tuple', { prefixItems: [named('b')], items: both }, { $defs }),
  toolOf('deep', { items: { anyOf: [{ items: named('b') }] } }),
  toolOf('dictionary', { additionalProperties: named('b') }),
  toolOf('opened', { allOf: [{ $ref: '#/$defs/one' }, { additionalProperties: true }] }, { $defs }),
  toolOf('condition', { not: { properties: { o: { properties: { x: { const: 1 } } } }, required: ['o'] } }),
];
const patterns = ['[a-\\d]', '[\\b]', '^(?!x)', '(a)\\1', '(?<=a)b', '\\p{scx=Greek}'];

/** With the tools of all tests. Those that the operator opens are there a second time. */
let world: ToolWorld;
before(async () => {
  const tools = [
    ...openings.flatMap((more, at) => [
      toolOf(`opening-${at}`, {}, more),
      toolOf(`opened-by-operator-${at}`, {}, more),
    ]),
    ...places,
    ...patterns.map((pattern, at) => toolOf(`pattern-${at}`, { pattern })),
  ];
  const opened = openings.map((_, at) => [`opened-by-operator-${at}`, { additionalArguments: true }]);
  world = await startTools(tools, {}, { tools: Object.fromEntries(opened) });
});
after(() => world[Symbol.asyncDispose]());

test('A5: no word of a server opens its tool', async () => {
  for (const [at, opening] of openings.entries()) {
    const said = JSON.stringify(opening);
    assert.equal(await world.refused(`opening-${at}`, { a: 1 }), undefined, said);
    assert.match((await world.refused(`opening-${at}`, { a: 1, z: 1 })) ?? '', /"z" is not an argument/, said);
    assert.equal(await world.refused(`opened-by-operator-${at}`, { a: 1, z: 1 }), undefined, said);
  }
});

test('A5: what is named in any schema of a place is named, and nothing else is', async () => {
  for (const [tool, good, bad] of [
    ['top', { b: 1, c: 1 }, { b: 1, z: 1 }],
    ['nested', { a: { b: 1, c: 1 } }, { a: { b: 1, z: 1 } }],
    ['optional', { a: { b: 1 } }, { a: { z: 1 } }],
    ['tuple', { a: [{ b: 1 }, { b: 1, c: 1 }] }, { a: [{ z: 1 }] }],
    ['tuple', { a: [{}, { c: 1 }] }, { a: [{}, { z: 1 }] }],
    ['deep', { a: [[{ b: 1 }]] }, { a: [[{ z: 1 }]] }],
    ['dictionary', { a: { any: { b: 1 } } }, { a: { any: { z: 1 } } }],
    // A condition means what the server wrote: closing it would turn it round.
    ['condition', { a: { o: { x: 2 } } }, { a: { o: { x: 1, y: 1 } } }],
  ] as const) {
    assert.equal(await world.refused(tool, good), undefined, `${tool} ${JSON.stringify(good)}`);
    assert.match((await world.refused(tool, bad)) ?? '', /Invalid arguments/, `${tool} ${JSON.stringify(bad)}`);
  }
  // Below the top an explicit word of the server stands.
  assert.equal(await world.refused('opened', { a: { b: 1, z: 1 } }), undefined);
});

test('A5: a pattern that cannot be run is named to the operator, and closes nothing', async () => {
  for (const at of patterns.keys()) assert.equal(await world.refused(`pattern-${at}`, { a: '0' }), undefined);
  for (const at of patterns.keys()) {
    const line = world.gateway
      .errors()
      .split('\n')
      .find((each) => each.includes(`"pattern-${at}"`));
    assert.match(line ?? '', /is not enforced/, `${patterns[at]}: ${world.gateway.errors()}`);
  }
});
