/** C9, and numbers that no double stands for: they are compared as they are written, and forwarded as they are written. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rawJSON } from '../../gateway/src/protocol/numbers.ts';
import { startTools, type ToolWorld, toolOf } from './tool-calls.ts';

const steps = [0.01, 0.1, 1e-7, 2.5, 7, 1e20];
const big = '9007199254740993';
// Written as text: a number in a literal would be rounded before the server lists it.
const exactly = rawJSON(big);

let world: ToolWorld;
before(async () => {
  world = await startTools([
    ...steps.map((multipleOf) => toolOf(`of ${multipleOf}`, { multipleOf })),
    toolOf('most', { maximum: 9_007_199_254_740_992 }),
    toolOf('below', { exclusiveMaximum: exactly }),
    toolOf('one', { const: exactly }),
    toolOf('some', { enum: [exactly, 'x', { n: exactly }] }),
    toolOf('unique', { uniqueItems: true }),
    toolOf('integer', { type: 'integer' }),
  ]);
});
after(() => world[Symbol.asyncDispose]());

test('C9: multiples are those of decimals', async () => {
  const fits = async (of: number, a: string): Promise<boolean> =>
    (await world.refused(`of ${of}`, `{"a":${a}}`)) === undefined;
  for (const [of, a] of [
    [0.01, '19.99'],
    [0.01, '1e300'],
    [0.01, '123456789012345678901234567890.12'],
    [0.1, '0.3'],
    [0.1, '-4.3'],
    [1e-7, '0.0000003'],
    [2.5, '1e400'],
    [7, '9007199254740995'],
    [1e20, '100000000000000000000'],
    [0.01, '0'],
  ] as const)
    assert.ok(await fits(of, a), `${a} of ${of}`);
  for (const [of, a] of [
    [0.01, '19.991'],
    [0.01, '0.0100000000001'],
    [0.01, '1e-400'],
    [0.01, '123456789012345678901234567890.123'],
    [0.1, '0.35'],
    [7, '9007199254740993'],
    [7, '1e400'],
    [1e20, '100000000000000000001'],
  ] as const)
    assert.ok(!(await fits(of, a)), `${a} of ${of}`);
});

test('C9: what a double would round is compared as it is written, and reaches the server so', async () => {
  const { refused, witness } = world;
  assert.match((await refused('most', `{"a":${big}}`)) ?? '', /must be <= 9007199254740992/);
  assert.equal(await refused('most', '{"a":-9007199254740993}'), undefined);
  assert.match((await refused('most', '{"a":9007199254740992.0000001}')) ?? '', /must be <=/);
  assert.match((await refused('below', `{"a":${big}}`)) ?? '', /must be < 9007199254740993/);
  assert.equal(await refused('below', '{"a":9007199254740992}'), undefined);
  assert.match((await refused('one', '{"a":9007199254740992}')) ?? '', /must be 9007199254740993/);
  assert.equal(await refused('one', `{"a":${big}}`), undefined);
  assert.ok(witness.calls().at(-1)?.body.includes(`"a":${big}`), witness.calls().at(-1)?.body);
  assert.equal(await refused('some', `{"a":{"n":${big}}}`), undefined);
  assert.match((await refused('some', '{"a":{"n":9007199254740992}}')) ?? '', /must be one of/);
  assert.equal(await refused('some', '{"a":9007199254740993.0}'), undefined);
  assert.equal(await refused('unique', `{"a":[${big},9007199254740992,9007199254740994]}`), undefined);
  assert.match((await refused('unique', `{"a":[${big},9007199254740993.0]}`)) ?? '', /duplicate/);
  assert.equal(await refused('integer', `{"a":${big}.0}`), undefined);
  assert.match((await refused('integer', `{"a":${big}.5}`)) ?? '', /must be integer/);
});
