/** B16: what a model can correct it is told first, all of it at once, where that gives nothing away. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTools, type ToolWorld } from './tool-calls.ts';

const inputSchema = {
  type: 'object',
  properties: {
    count: { type: 'integer', maximum: 1_000 },
    unit: { enum: ['day', 'week', 'month'] },
    where: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  required: ['count', 'unit'],
};
let world: ToolWorld;

before(async () => {
  world = await startTools(
    ['query', 'rows', 'held', 'closed', 'hidden', 'scoped', 'open'].map((name) => ({ name, inputSchema })),
    {
      connections: [
        {
          name: 'rules',
          from: { agent: 'client' },
          to: 'witness',
          tools: [
            { allow: 'query', when: 'args.count <= 10', message: 'Ask for at most 10.' },
            { allow: 'rows', when: 'args.count <= 10' },
            { hold: 'held', message: 'Ask the owner of the data.' },
            { allow: 'closed' },
            { deny: 'closed', when: 'args.unit == "month"', message: 'Months are not served; use weeks.' },
            { deny: 'hidden', message: 'There is a hidden tool.' },
            { allow: 'scoped', scopes: ['data'] },
            { allow: 'open' },
          ],
        },
      ],
    },
  );
});
after(() => world[Symbol.asyncDispose]());

const wrong = { count: 'three', unit: 'year', where: {}, colour: 'red' };
const problems = [
  /arguments\/count: must be integer/,
  /arguments\/unit: must be one of "day", "week", "month"/,
  /arguments\/where: "city" is missing/,
  /"colour" is not an argument of this tool/,
];

test('B16: all problems with the arguments are told at once, before a rule on them denies or holds', async () => {
  for (const tool of ['query', 'rows', 'held', 'closed', 'open']) {
    const text = (await world.refused(tool, wrong)) ?? '';
    assert.match(text, /^Invalid arguments: /, tool);
    for (const problem of problems) assert.match(text, problem, tool);
  }
  assert.match((await world.refused('rows', {})) ?? '', /"count" is missing.*"unit" is missing/);
});

test('B16: as many problems are told as a model can read', async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`strange${at}`, 'x']));
  const text = (await world.refused('open', { count: 1, unit: 'day', ...many })) ?? '';
  assert.ok(text.length < 2_000, String(text.length));
  assert.ok(text.split('is not an argument').length > 5, text);
});

test('B16: with arguments that fit, the rule speaks, in the words of the operator', async () => {
  const fitting = { count: 100, unit: 'month' };
  assert.match((await world.refused('query', fitting)) ?? '', /^Not allowed by policy.*: Ask for at most 10\. \(ref/);
  assert.match((await world.refused('closed', fitting)) ?? '', /Months are not served; use weeks\./);
  assert.match((await world.refused('held', fitting)) ?? '', /approval of a person.* Ask the owner of the data\./);
  assert.match((await world.refused('rows', fitting)) ?? '', /^Not allowed by policy.*: do not repeat/);
  assert.equal(await world.refused('query', { count: 5, unit: 'month' }), undefined);
});

test('B16: a tool that is hidden gives nothing away, whatever the arguments are', async () => {
  const answer = async (tool: string, args: object) =>
    (await world.refused(tool, args))?.replaceAll(tool, 'TOOL') ?? 'was called';
  const absent = await answer('absent', wrong);
  assert.match(absent, /Unknown tool/);
  for (const tool of ['hidden', 'scoped'])
    for (const args of [wrong, { count: 1, unit: 'day' }]) assert.equal(await answer(tool, args), absent, tool);
});
