import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOf, withConnections } from '../../../test/support/policy.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { checkAgainstSchema, checkTool } from './schema-check.ts';

const schema: JsonObject = {
  type: 'object',
  properties: {
    table: { type: 'string' },
    limit: { type: 'integer' },
    filter: { type: 'object', properties: { owner: { type: 'string' } } },
    extra: { type: 'object', additionalProperties: true },
  },
};

function problems(expression: string, inputSchema = schema): readonly string[] {
  return checkAgainstSchema(expression, inputSchema).map(({ problem, remedy }) => `${problem}. ${remedy}`);
}

test('an argument that the tool does not have is found', () => {
  assert.deepEqual(problems('args.table == "a" && args.limit < 5 && args.filter.owner == caller.user'), []);
  assert.deepEqual(problems('args.tabel == "a"'), ['the tool has no argument "tabel". Did you mean "table"?']);
  assert.deepEqual(problems('args.filter.ovner == "a"'), [
    'the tool has no argument "filter.ovner". Did you mean "owner"?',
  ]);
  assert.deepEqual(problems('args["tabel"] == "a" || has(args.tabel)').length, 1);
  assert.deepEqual(problems('args.constructor == "a"').length, 1);
});

test('schemas that do not name everything are not second-guessed', () => {
  assert.deepEqual(problems('args.extra.anything == 1'), []);
  assert.deepEqual(problems('args.x == 1', { type: 'object', additionalProperties: true, properties: {} }), []);
  assert.deepEqual(problems('args.x == 1', { anyOf: [{}] }), []);
  assert.deepEqual(problems('args.x == 1', { type: 'object' }).length, 1);
});

test('the complaint points into the expression in the file', async () => {
  const { revision } = await policyOf(
    withConnections(
      '- { name: c, from: { agent: a }, to: s, tools: [{ allow: "q*", when: "args.limit < 5 && args.tabel == 1" }] }',
    ),
  );
  const [first] = checkTool(revision, { server: 's', tool: 'query', inputSchema: schema });
  assert.equal(first?.place.line, 5);
  assert.equal(first?.place.column, 91);
  assert.deepEqual(checkTool(revision, { server: 's', tool: 'other', inputSchema: schema }), []);
});
