import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { callerOf, policyOf, withConnections } from '../../../test/support/policy.ts';
import type { Capability, Decision } from '../../pipeline/contracts/policy.ts';
import type { CompiledPolicy } from './compile.ts';

type Effect = Decision['effect'];
interface TestRule {
  readonly effect: Effect;
  readonly pattern: string;
  readonly when: 'none' | 'n == 1' | 'fails' | 'role';
}
interface TestConnection {
  readonly mode: 'enforce' | 'observe';
  readonly rules: readonly TestRule[];
}

const conditions = { none: undefined, 'n == 1': 'args.n == 1', fails: 'args.gone == 1', role: '"r" in caller.roles' };

function yaml(connections: readonly TestConnection[]): string {
  return withConnections(
    connections
      .map(({ mode, rules }, index) => {
        const lines = rules.map(({ effect, pattern, when }) =>
          JSON.stringify({ [effect]: pattern, ...(conditions[when] && { when: conditions[when] }) }),
        );
        return `- { name: c${index}, from: { agent: a }, to: s, mode: ${mode}, tools: [${lines.join(', ')}] }`;
      })
      .join('\n'),
  );
}

/** What the design says, as plainly as possible. */
function naive(connections: readonly TestConnection[], name: string, n: number, roles: readonly string[]): Effect {
  const applies = ({ effect, pattern, when }: TestRule): boolean => {
    if (pattern !== name && pattern !== '*' && !(pattern === 'x*' && name.startsWith('x'))) return false;
    if (when === 'none') return true;
    if (when === 'n == 1') return n === 1;
    if (when === 'role') return roles.includes('r');
    return effect === 'deny' || effect === 'hold';
  };
  const effects = (mode: TestConnection['mode']) =>
    connections
      .filter((each) => each.mode === mode)
      .flatMap(({ rules }) => rules.filter(applies).map(({ effect }) => effect));
  const opens = (effect: Effect) => effect === 'allow' || effect === 'observe';
  const strongest = (all: readonly Effect[]): Effect =>
    (['deny', 'hold', 'observe', 'allow'] as const).find((effect) => all.includes(effect)) ?? 'deny';
  const enforced = effects('enforce');
  const observed = effects('observe');
  const softened = observed.some((effect) => !opens(effect));
  if (connections.some(({ mode }) => mode === 'enforce')) {
    const result = strongest([...enforced, ...observed.filter(opens)]);
    return opens(result) && softened ? 'observe' : result;
  }
  const result = strongest(observed);
  return opens(result) ? result : 'observe';
}

const rule = fc.record<TestRule>({
  effect: fc.constantFrom('allow', 'deny', 'hold', 'observe'),
  pattern: fc.constantFrom('x', 'xy', 'x*', '*'),
  when: fc.constantFrom('none', 'n == 1', 'fails', 'role'),
});
const connection = fc.record<TestConnection>({
  mode: fc.constantFrom('enforce', 'enforce', 'observe'),
  rules: fc.array(rule, { maxLength: 4 }),
});

const now = { at: 0 };

test('precedence is that of the design, in every order of lines', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(connection, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('x', 'xy', 'z'),
      fc.constantFrom(1, 2),
      fc.boolean(),
      async (connections, name, n, hasRole) => {
        const { policy } = await policyOf(yaml(connections));
        const roles = hasRole ? ['r'] : [];
        const grants = policy.grants(callerOf({ agent: 'a', roles }), 's', now);
        assert.ok(grants !== undefined);
        const decision = grants.decide({ type: 'tool', name }, { n }, 0);
        assert.equal(decision.effect, naive(connections, name, n, roles));
        const reversed = connections.toReversed().map((each) => ({ ...each, rules: each.rules.toReversed() }));
        const other = (await policyOf(yaml(reversed))).policy.grants(callerOf({ agent: 'a', roles }), 's', now);
        assert.equal(other?.decide({ type: 'tool', name }, { n }, 0).effect, decision.effect);
        if (decision.effect !== 'deny')
          assert.ok(grants.couldAllow({ type: 'tool', name }), 'what can be called or held is listed');
      },
    ),
    { numRuns: 300 },
  );
});

test('lists are equal where the keys are equal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { minLength: 1, maxLength: 3 }), async (connections) => {
      const { policy } = await policyOf(yaml(connections));
      const [one, two] = [callerOf({ agent: 'a', roles: ['r'] }), callerOf({ agent: 'a' })].map((caller) =>
        policy.grants(caller, 's', now),
      );
      if (one?.key === two?.key)
        for (const name of ['x', 'xy', 'z'])
          assert.equal(one?.couldAllow({ type: 'tool', name }), two?.couldAllow({ type: 'tool', name }));
    }),
    { numRuns: 200 },
  );
});

let policy: CompiledPolicy;
before(async () => {
  ({ policy } = await policyOf(`version: 1
callers:
  users: { dana: { roles: [staff] } }
  agents: { bot: {}, other: {} }
  applications: { ide: {} }
servers:
  first: { url: "http://127.0.0.1:1" }
  second: { url: "http://127.0.0.1:2" }
  third: { url: "http://127.0.0.1:3" }
connections:
  - name: both
    from: { user: dana, agent: bot }
    to: [second, first]
    tools: [{ allow: [read, "get_*"] }, { deny: get_secret }]
    requests: { sampling: allow }
  - name: staff
    from: { role: staff }
    to: first
    resources:
      - { allow: "file:///shared/**" }
      - { deny: "file:///shared/private/**" }
      - { allow: "doc://{team}/{id}", when: uri.team == "a" }
    prompts: [{ hold: deploy }]
    requests: { roots: allow }
  - name: any
    from: { anyone: true }
    to: third
    tools: [{ allow: "*" }]
    requests: { sampling: allow }
  - { name: quiet, from: { agent: bot }, to: third, requests: { sampling: deny, elicitation: deny } }
`));
});

const dana = callerOf({ user: 'dana', roles: ['staff'] });
const danaWithBot = callerOf({ user: 'dana', agent: 'bot', roles: ['staff'] });
const bot = callerOf({ agent: 'bot' });

test('connections lead only from those they name, in the order of the servers', () => {
  assert.deepEqual(policy.serversOf(danaWithBot, now), ['first', 'second', 'third']);
  assert.deepEqual(policy.serversOf(dana, now), ['first', 'third']);
  assert.deepEqual(policy.serversOf(bot, now), ['third']);
  assert.equal(policy.grants(bot, 'first', now), undefined);
  assert.equal(policy.grants(dana, 'nowhere', now), undefined);
  assert.deepEqual(policy.grants(danaWithBot, 'first', now)?.connections, ['both', 'staff']);
  assert.equal(
    policy.grants(dana, 'first', now),
    policy.grants(dana, 'first', now),
    'made once for each caller object',
  );
});

test('the connections of one caller count together', () => {
  const grants = policy.grants(danaWithBot, 'first', now);
  const effect = (capability: Capability) => grants?.decide(capability, undefined, 0).effect;
  assert.equal(effect({ type: 'tool', name: 'get_it' }), 'allow');
  assert.equal(effect({ type: 'tool', name: 'get_secret' }), 'deny');
  assert.equal(effect({ type: 'tool', name: 'write' }), 'deny');
  assert.equal(effect({ type: 'prompt', name: 'deploy' }), 'hold');
  assert.equal(effect({ type: 'prompt', name: 'read' }), 'deny', 'rules for tools say nothing about prompts');
  assert.equal(effect({ type: 'resource', uri: 'file:///shared/a' }), 'allow');
  assert.equal(effect({ type: 'resource', uri: 'file:///shared//private/a' }), 'deny');
  assert.equal(effect({ type: 'resource', uri: 'file:///shared/private' }), 'deny');
  assert.equal(effect({ type: 'resource', uri: 'doc://a/1' }), 'allow');
  assert.equal(effect({ type: 'resource', uri: 'doc://b/1' }), 'deny');
  assert.equal(effect({ type: 'template', uriTemplate: 'file:///shared/{name}' }), 'allow');
  assert.equal(effect({ type: 'template', uriTemplate: 'file:///shared/private/{name}' }), 'deny');
  assert.equal(effect({ type: 'template', uriTemplate: 'doc://{t}/{i}' }), 'allow');
  const refused = grants?.decide({ type: 'resource', uri: 'file:///shared/%2e%2e/x' }, undefined, 0);
  assert.deepEqual(refused, { effect: 'deny', reason: 'no-rule', errors: ['the URI has a dot segment'] });
});

test('a decision names its rule, and where it stands', () => {
  const decision = policy.grants(danaWithBot, 'first', now)?.decide({ type: 'tool', name: 'get_secret' }, {}, 0);
  assert.equal(decision?.rule?.connection, 'both');
  assert.match(decision?.rule?.place ?? '', /test\.yaml:14:41$/);
  assert.equal(decision?.rule?.text, 'deny get_secret');
});

test('what a server may ask: deny beats allow, and silence keeps the default', () => {
  assert.deepEqual(policy.grants(danaWithBot, 'first', now)?.requests, {
    elicitation: 'allow',
    sampling: 'allow',
    roots: 'allow',
  });
  assert.deepEqual(policy.grants(dana, 'first', now)?.requests, {
    elicitation: 'allow',
    sampling: 'deny',
    roots: 'allow',
  });
  assert.deepEqual(policy.grants(bot, 'third', now)?.requests, {
    elicitation: 'deny',
    sampling: 'deny',
    roots: 'deny',
  });
});

test('names that every object has mean nothing', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(policy.grants(dana, name, now), undefined);
    assert.equal(policy.grants(danaWithBot, 'first', now)?.decide({ type: 'tool', name }, {}, 0).effect, 'deny');
  }
});
