/** C8: a name that every object of the language has is an argument like any other, and absent where it is not sent. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTools, type ToolWorld, toolOf } from './tool-calls.ts';

const names = ['toString', 'constructor', 'valueOf', 'hasOwnProperty', '__defineGetter__', 'length'];

const conditions: Readonly<Record<string, string>> = {
  presence: 'has(args.toString) || has(args.constructor) || "valueOf" in args',
  value: 'args.constructor != "x"',
  nested: 'has(args.o.constructor)',
  looked: 'args[args.k] != "x"',
  claims: 'has(caller.claims.constructor)',
};

let world: ToolWorld;
before(async () => {
  const named = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const checked = [
    { name: 'optional', inputSchema: { type: 'object', properties: named } },
    { name: 'none', inputSchema: { type: 'object', properties: {} } },
    toolOf('nested object', { type: 'object', properties: { x: {} }, required: ['constructor'] }),
    toolOf('dependent', {}, { dependentRequired: { toString: ['a'] } }),
    toolOf('enumerated', { enum: ['x'] }),
    ...names.map((name) => ({ name: `needs ${name}`, inputSchema: { type: 'object', required: [name] } })),
  ];
  const open = { type: 'object', additionalProperties: { type: ['string', 'object'] } };
  const conditional = Object.keys(conditions).map((name) => ({ name, inputSchema: open }));
  const tools = [
    ...checked.map(({ name }) => ({ allow: name })),
    ...Object.entries(conditions).map(([allow, when]) => ({ allow, when })),
  ];
  world = await startTools([...checked, ...conditional], {
    connections: [{ name: 'tools', from: { agent: 'client' }, to: 'witness', tools }],
  });
});
after(() => world[Symbol.asyncDispose]());

test('C8: schemas look at the members that were sent', async () => {
  assert.equal(await world.refused('optional', {}), undefined);
  assert.equal(await world.refused('optional', '{"toString":"x","constructor":"y"}'), undefined);
  assert.match((await world.refused('optional', '{"toString":1}')) ?? '', /toString: must be string/);
  for (const name of names) {
    assert.match((await world.refused(`needs ${name}`, {})) ?? '', /is missing/, name);
    assert.match((await world.refused('none', `{"${name}":1}`)) ?? '', /is not an argument/, name);
  }
  assert.match((await world.refused('nested object', { a: { x: 1 } })) ?? '', /"constructor" is missing/);
  assert.equal(await world.refused('dependent', { a: 1 }), undefined);
  assert.match((await world.refused('enumerated', { a: 'constructor' })) ?? '', /must be "x"/);
  assert.match((await world.refused('none', '{"__proto__":1}')) ?? '', /__proto__/);
});

test('C8: conditions look at the members that were sent', async () => {
  for (const name of Object.keys(conditions))
    assert.match((await world.refused(name, { o: {}, k: 'toString' })) ?? '', /[Nn]ot allowed|Unknown tool/, name);
  assert.equal(await world.refused('presence', '{"toString":"x"}'), undefined);
  assert.equal(await world.refused('value', '{"constructor":"y"}'), undefined);
  assert.equal(await world.refused('nested', '{"o":{"constructor":"y"}}'), undefined);
});
