/** Rules by what a tool is: they open nothing that is not known, and close what is not known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { callerOf, policyOf, withConnections } from '../../../test/support/policy.ts';
import { type Road, type RoadOptions, roadOf } from '../../../test/support/road.ts';
import type { Capability } from '../../pipeline/contracts/policy.ts';
import { type ToolTraits, tiers, toolTags } from '../../pipeline/contracts/traits.ts';
import { asText, type JsonObject } from '../../protocol/json.ts';

const now = { at: 0 };
const a = callerOf({ agent: 'a', roles: ['r'] });

async function grantsOf(tools: string, caller = a) {
  const { policy } = await policyOf(withConnections(`- { name: c, from: { anyone: true }, to: s, tools: ${tools} }`));
  return policy.grants(caller, 's', now) ?? assert.fail('no connection');
}

function tool(traits?: ToolTraits, name = 'x'): Capability {
  return traits === undefined ? { type: 'tool', name } : { type: 'tool', name, traits };
}

test('a rule names tools by tier, by tag, by both, and beside names', async () => {
  const effect = async (tools: string, traits: ToolTraits, name?: string): Promise<string> =>
    (await grantsOf(tools)).decide(tool(traits, name), {}, 0).effect;
  const reading: ToolTraits = { tier: 'read', tags: [] };
  const running: ToolTraits = { tier: 'destructive', tags: ['execution', 'network'] };
  assert.equal(await effect('[{ allow: { tier: read } }]', reading), 'allow');
  assert.equal(await effect('[{ allow: { tier: read } }]', running), 'deny');
  assert.equal(await effect('[{ allow: { tier: [read, destructive] } }]', running), 'allow');
  assert.equal(await effect('[{ allow: "*" }, { deny: { tag: execution } }]', running), 'deny');
  assert.equal(await effect('[{ allow: "*" }, { deny: { tag: [payment, network] } }]', running), 'deny');
  assert.equal(await effect('[{ allow: "*" }, { deny: { tag: payment } }]', running), 'allow');
  assert.equal(await effect('[{ allow: "*" }, { hold: { tier: destructive } }]', running), 'hold');
  assert.equal(await effect('[{ allow: "*" }, { hold: { tier: destructive, tag: payment } }]', running), 'allow');
  assert.equal(await effect('[{ allow: [{ tier: read }, run_it] }]', running, 'run_it'), 'allow');
  assert.equal(await effect('[{ allow: { tier: read }, when: args.n == 1 }]', reading), 'deny');
  assert.equal(await effect('[{ observe: { tier: read } }]', reading), 'observe');
});

test('what is not known of a tool opens nothing and is closed', async () => {
  const opening = await grantsOf('[{ allow: [{ tier: [read, write, destructive] }, { tag: execution }] }]');
  for (const traits of [undefined, {}, { tags: [] }] as const) {
    assert.equal(opening.decide(tool(traits), {}, 0).effect, 'deny');
    assert.equal(opening.couldAllow(tool(traits)), false);
  }
  assert.equal(opening.couldAllowSome(tool()), true, 'some definition might be allowed');
  const closing = await grantsOf('[{ allow: "*" }, { deny: { tag: execution } }]');
  for (const traits of [undefined, {}, { tier: 'read' }] as const) {
    assert.equal(closing.decide(tool(traits), {}, 0).effect, 'deny');
    assert.equal(closing.couldAllow(tool(traits)), false);
  }
  assert.equal(closing.couldAllowSome(tool()), true);
  const held = await grantsOf('[{ allow: "*" }, { hold: { tier: destructive } }]');
  assert.equal(held.decide(tool(), {}, 0).effect, 'hold');
  assert.equal((await grantsOf('[{ allow: y }]')).couldAllowSome(tool()), false, 'no definition opens it');
});

test('conditions see the tier and the tags, and fail where these are not known', async () => {
  const grants = await grantsOf(
    '[{ allow: "*", when: tool.tier == "read" && !("network" in tool.tags) }, { deny: "*", when: "\'payment\' in tool.tags" }]',
  );
  const effect = (traits?: ToolTraits): string => grants.decide(tool(traits), {}, 0).effect;
  assert.equal(effect({ tier: 'read', tags: [] }), 'allow');
  assert.equal(effect({ tier: 'read', tags: ['network'] }), 'deny');
  assert.equal(effect({ tier: 'read', tags: ['payment'] }), 'deny');
  assert.equal(effect(), 'deny');
  assert.equal(grants.couldAllow(tool({ tier: 'read', tags: [] })), true);
  assert.equal(grants.couldAllow(tool({ tier: 'write', tags: [] })), false, 'hidden before there are arguments');
  assert.equal(grants.couldAllow(tool()), false);
  const withArguments = await grantsOf('[{ allow: "*", when: tool.tier == "read" || args.n == 1 }]');
  assert.equal(withArguments.decide(tool({ tier: 'write', tags: [] }), { n: 1 }, 0).effect, 'allow');
  assert.equal(withArguments.decide(tool({ tier: 'write', tags: [] }), { n: 2 }, 0).effect, 'deny');
  assert.equal(withArguments.couldAllow(tool({ tier: 'write', tags: [] })), true);
});

test('two callers share a list only where conditions about tools say the same of both', async () => {
  const tools = '[{ allow: "*", when: tool.tier == "read" || caller.agent == "b" }]';
  const { policy } = await policyOf(withConnections(`- { name: c, from: { anyone: true }, to: s, tools: ${tools} }`));
  const one = policy.grants(a, 's', now);
  const other = policy.grants(callerOf({ agent: 'b' }), 's', now);
  assert.notEqual(one?.key, other?.key);
  assert.equal(one?.couldAllow(tool({ tier: 'write', tags: [] })), false);
  assert.equal(other?.couldAllow(tool({ tier: 'write', tags: [] })), true);
});

test('what can be called is listed, and what is hidden cannot be called, whatever rules say of traits', async () => {
  const subject = fc.oneof(
    fc.constantFrom('x', 'y', '*'),
    fc.record({ tier: fc.constantFrom(...tiers) }),
    fc.record({ tag: fc.constantFrom(...toolTags.slice(0, 2)) }),
  );
  const rule = fc.tuple(
    fc.constantFrom('allow', 'deny', 'hold', 'observe'),
    subject,
    fc.constantFrom(undefined, 'tool.tier == "read"', '"execution" in tool.tags', 'args.n == 1'),
  );
  const traits = fc.record(
    { tier: fc.constantFrom(...tiers), tags: fc.subarray(toolTags.slice(0, 2)) },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(rule, { maxLength: 4 }), traits, fc.constantFrom(0, 1), async (rules, known, n) => {
      const text = rules.map(([effect, on, when]) => JSON.stringify({ [effect]: on, ...(when && { when }) }));
      const grants = await grantsOf(`[${text.join(', ')}]`);
      const { effect } = grants.decide(tool(known), { n }, 0);
      if (effect !== 'deny') assert.ok(grants.couldAllow(tool(known)), 'what can be called or held is listed');
      if (grants.couldAllow(tool(known))) assert.ok(grants.couldAllowSome(tool()), 'and was possible before');
      if (effect === 'allow') {
        const blind = grants.decide(tool(), { n }, 0).effect;
        const named = rules.some(([, on, when]) => typeof on === 'string' && when === undefined);
        if (blind === 'allow') assert.ok(named || rules.some(([, on]) => typeof on === 'string'), 'by a name alone');
      }
    }),
    { numRuns: 60 },
  );
});

const schema = { type: 'object' };
const definitions: readonly JsonObject[] = [
  { name: 'get_note', description: 'Gets a note', inputSchema: schema },
  { name: 'delete_note', description: 'Deletes a note', inputSchema: schema },
  { name: 'run_command', description: 'Runs a command', inputSchema: { type: 'object', properties: { command: {} } } },
  { name: 'frobnicate', inputSchema: schema },
];

async function seen(road: Road): Promise<{ readonly listed: readonly string[]; readonly called: readonly string[] }> {
  const { reply } = await road.send({ method: 'tools/list', params: {}, client: { era: 'modern' } });
  const text = reply.kind === 'pieces' ? reply.before + reply.middle.toString() + reply.after : assert.fail(reply.kind);
  const listed = (JSON.parse(text) as { readonly tools: readonly { readonly name: string }[] }).tools.map(
    ({ name }) => name,
  );
  const called: string[] = [];
  for (const { name } of definitions) {
    const before = road.calls.length;
    await road.send({ params: { name: asText(name), arguments: {} } });
    if (road.calls.length > before) called.push(asText(name));
  }
  return { listed, called };
}

function road(rules: string, options: RoadOptions = {}): Promise<Road> {
  return roadOf(`- { name: c, from: { agent: a }, to: s, tools: ${rules} }`, {
    ...options,
    server: { tools: definitions, ...options.server },
  });
}

test('on the road lists and calls agree, and the record has tier and tags', async () => {
  const reading = await road('[{ allow: { tier: read } }]');
  assert.deepEqual(await seen(reading), { listed: ['get_note'], called: ['get_note'] });
  assert.deepEqual(
    reading.records
      .filter(({ facts }) => facts.method === 'tools/call')
      .map(({ facts, end }) => [facts.tier, end?.reason]),
    [
      ['read', undefined],
      ['destructive', 'capability-unknown'],
      ['destructive', 'capability-unknown'],
      ['write', 'capability-unknown'],
    ],
  );
  const careful = await road('[{ allow: "*" }, { deny: { tag: execution } }]');
  assert.deepEqual(await seen(careful), {
    listed: ['get_note', 'delete_note', 'frobnicate'],
    called: ['get_note', 'delete_note', 'frobnicate'],
  });
  const held = await road('[{ allow: "*" }, { hold: { tier: destructive } }]');
  assert.deepEqual(await seen(held), {
    listed: ['get_note', 'delete_note', 'run_command', 'frobnicate'],
    called: ['get_note', 'frobnicate'],
  });
  const open = await road('[{ allow: "*" }]');
  await seen(open);
  assert.deepEqual(
    open.intents.map(({ tier, tags }) => [tier, tags]),
    [
      ['read', undefined],
      ['destructive', undefined],
      ['destructive', ['execution']],
      ['write', undefined],
    ],
  );
});

test('what the operator wrote wins over what was found', async () => {
  const told = await road('[{ allow: { tier: read } }, { deny: { tag: payment } }]', {
    serverSettings: '  tools: { frobnicate: { tier: read }, get_note: { tags: [payment] } }',
  });
  assert.deepEqual(await seen(told), { listed: ['frobnicate'], called: ['frobnicate'] });
  const all = await road('[{ allow: { tier: write } }]', { serverSettings: '  tier: write' });
  assert.equal((await seen(all)).called.length, 4);
  const annotated = definitions.map((each) => ({ ...each, annotations: { readOnlyHint: true } }));
  const trusted = (trust: string) =>
    road('[{ allow: { tier: read } }]', { server: { tools: annotated }, serverSettings: `  trust: ${trust}` });
  assert.deepEqual((await seen(await trusted('third-party'))).called, ['get_note']);
  assert.deepEqual((await seen(await trusted('partner'))).called, ['get_note', 'frobnicate']);
  assert.equal((await seen(await trusted('own'))).called.length, 4);
});

test('a tool that is hidden by what it is answers like one that does not exist', async () => {
  const reading = await road('[{ allow: { tier: read } }]');
  const answer = async (name: string): Promise<string> => {
    const { reply } = await reading.send({ params: { name, arguments: {} } });
    return reply.kind === 'refused' ? JSON.stringify({ ...reply.refusal, detail: '', name: '' }) : reply.kind;
  };
  assert.equal(await answer('delete_note'), await answer('nothing_of_that_name'));
});

test('a definition that another one replaced is decided about by what it is now', async (context) => {
  let tools: readonly JsonObject[] = [
    { name: 'note', description: 'Gets a note', inputSchema: { type: 'object', properties: { a: {} } } },
  ];
  const changing = await roadOf('- { name: c, from: { agent: a }, to: s, tools: [{ allow: { tier: read } }] }', {
    server: {
      get tools() {
        return tools;
      },
    },
  });
  await changing.send({ params: { name: 'note', arguments: { a: 1 } } });
  tools = [{ name: 'note', description: 'Deletes a note', inputSchema: { type: 'object', properties: { b: {} } } }];
  // A list that was read a moment ago is not read again.
  const later = performance.now() + 2_000;
  context.mock.method(performance, 'now', () => later);
  const { reply } = await changing.send({ params: { name: 'note', arguments: { b: 1 } } });
  assert.equal(reply.kind, 'refused');
  assert.equal(changing.calls.length, 1);
});
