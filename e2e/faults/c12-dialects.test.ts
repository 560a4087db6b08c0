/** C12: a tool is used in the dialect that its schema is written in, and what is left out is said where operators look. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { startTools, type ToolWorld, toolOf } from './tool-calls.ts';

const draft = (number: string): string => `http://json-schema.org/draft-${number}/schema#`;
const modern = (year: string): string => `https://json-schema.org/draft/${year}/schema`;

interface Case {
  readonly schema: object;
  readonly good: readonly object[];
  readonly bad: readonly object[];
}

const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more });
const list = { type: 'object', properties: { v: { type: 'integer' }, next: {} } };

const cases: Readonly<Record<string, Case>> = {
  'draft-04 exclusive': {
    schema: object({ a: { minimum: 0, exclusiveMinimum: true } }, { $schema: draft('04') }),
    good: [{ a: 1 }],
    bad: [{ a: 0 }],
  },
  'draft-04 ids': {
    schema: object(
      { a: { $ref: 'https://a.example/n' }, b: { $ref: '#n' } },
      {
        $schema: draft('04'),
        id: 'https://a.example/top',
        definitions: { n: { id: 'https://a.example/n', type: 'number' }, m: { id: '#n', type: 'string' } },
      },
    ),
    good: [{ a: 1, b: 'x' }],
    bad: [{ a: 'x' }, { b: 1 }],
  },
  'draft-04 later words': {
    schema: object({ a: { const: 1 }, $id: { type: 'string' } }, { $schema: draft('04') }),
    good: [{ a: 2 }, { $id: 'x' }],
    bad: [{ c: 1 }],
  },
  'draft-06': {
    schema: object(
      { a: { contains: { const: 1 } }, b: JSON.parse('{ "if": { "const": 1 }, "then": false }') as object },
      { $schema: draft('06'), dependencies: { a: ['b'] } },
    ),
    good: [{ a: [1], b: 1 }],
    bad: [{ a: [2], b: 1 }, { a: [1] }],
  },
  'draft-07 tuple': {
    schema: object(
      { a: { items: [{ type: 'string' }, { type: 'integer' }], additionalItems: false } },
      { $schema: draft('07') },
    ),
    good: [{ a: ['x', 1] }],
    bad: [{ a: [1] }, { a: ['x', 1, 2] }],
  },
  '2019-09': {
    schema: object(
      { a: { $ref: '#/$defs/tree' }, t: { items: [{ type: 'string' }], unevaluatedItems: false } },
      {
        $schema: modern('2019-09'),
        $defs: {
          tree: {
            $id: 'tree',
            $recursiveAnchor: true,
            ...list,
            properties: { ...list.properties, next: { $recursiveRef: '#' } },
          },
        },
        dependentRequired: { t: ['a'] },
      },
    ),
    good: [{ a: { v: 1, next: { v: 2 } }, t: ['x'] }],
    bad: [{ a: { v: 1, next: { v: 'x' } } }, { t: ['x'] }, { a: {}, t: ['x', 1] }],
  },
  '2020-12': {
    schema: object({ a: { prefixItems: [{ type: 'string' }], items: false } }, { $schema: modern('2020-12') }),
    good: [{ a: ['x'] }],
    bad: [{ a: [1] }, { a: ['x', 1] }],
  },
  'none, with old words': {
    schema: object({ a: { items: [{ type: 'string' }] }, b: { maximum: 5, exclusiveMaximum: true } }),
    good: [{ a: ['x', 1], b: 4 }],
    bad: [{ a: [1] }, { b: 5 }],
  },
};

let world: ToolWorld;
before(async () => {
  world = await startTools([
    ...Object.entries(cases).map(([name, { schema }]) => ({ name, inputSchema: schema })),
    { name: 'good' },
    toolOf('strange', {}, { $schema: 'https://example.com/own-dialect' }),
    toolOf('remote', { $ref: 'https://example.com/other.json' }),
    toolOf('loose', { pattern: '^(?!x)' }),
  ]);
});
after(() => world[Symbol.asyncDispose]());

test('C12: each dialect is read by its own rules', async () => {
  for (const [name, { good, bad }] of Object.entries(cases)) {
    for (const args of good)
      assert.equal(await world.refused(name, args), undefined, `${name} ${JSON.stringify(args)}`);
    for (const args of bad)
      assert.match((await world.refused(name, args)) ?? '', /Invalid arguments/, `${name} ${JSON.stringify(args)}`);
  }
});

test('C12: what is left out is said by probe, list and explain', async () => {
  const { gateway } = world;
  const ask = (...words: readonly string[]) => runCommandHere(...words, '--config', gateway.config);
  const explain = (tool: string) => ask('explain', '--caller', 'agent:client', '--server', 'witness', '--tool', tool);
  const probed = await ask('server', 'probe', 'witness');
  assert.equal(probed.code, 0, probed.stdout);
  assert.equal(await world.refused('good', {}), undefined);
  const listed = await ask('server', 'list');
  for (const { stdout } of [probed, listed]) {
    assert.match(stdout, /tool strange left out: .*dialect/);
    assert.match(stdout, /tool remote left out: .*other\.json/);
    assert.match(stdout, /tool loose the pattern .* is not enforced/);
    assert.doesNotMatch(stdout, /tool good/);
  }
  const strange = await explain('strange');
  assert.equal(strange.code, 1);
  assert.match(strange.stdout, /^DENY[^]*leaves tool strange of witness out/);
  const loose = await explain('loose');
  assert.equal(loose.code, 0);
  assert.match(loose.stdout, /Note: the pattern .* is not enforced/);
  assert.equal((await explain('good')).code, 0);
});
