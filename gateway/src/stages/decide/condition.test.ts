import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CelInput, celEnv, parse as oracleParse, plan } from '@bufbuild/cel';
import fc from 'fast-check';
import { type ConditionContext, type ConditionKind, compileCondition } from './condition.ts';

const caller = {
  user: 'dana',
  agent: '',
  application: '',
  roles: ['support'],
  scopes: [],
  claims: { projects: ['1', '2'] },
  attributes: { tables: ['users'] },
  trust: 'standard',
};

function evaluate(source: string, context: Omit<ConditionContext, 'caller'>, kind: ConditionKind = 'arguments') {
  const compiled = compileCondition(source, kind, Object.keys(context.uri ?? {}));
  assert.ok(compiled.ok, `${source}: ${JSON.stringify(compiled.ok ? '' : compiled.problems)}`);
  return compiled.condition.evaluate({ ...context, caller });
}

function problem(source: string, kind: ConditionKind = 'arguments', uriNames: readonly string[] = []) {
  const compiled = compileCondition(source, kind, uriNames);
  assert.ok(!compiled.ok, source);
  const [first] = compiled.problems;
  return { code: first?.code, start: first?.start, text: `${first?.problem} ${first?.remedy}` };
}

test('conditions see arguments, caller, time and the variables of the URI', () => {
  assert.equal(
    evaluate('args.table in caller.attributes.tables && args.limit <= 100', { args: { table: 'users', limit: 100 } }),
    true,
  );
  assert.equal(evaluate('args.a.b[1] == "x"', { args: { a: { b: ['', 'x'] } } }), true);
  assert.equal(evaluate('"support" in caller.roles && caller.agent == ""', { args: {} }), true);
  assert.equal(evaluate('uri.id in caller.claims.projects', { uri: { id: '2' } }, 'resource'), true);
  const time = new Date('2026-08-01T22:30:00Z');
  assert.equal(evaluate('time.getHours("Europe/Paris") == 0', { args: {}, time }), true);
  assert.equal(evaluate('time < timestamp("2027-01-01T00:00:00Z")', { args: {}, time }), true);
});

test('what is missing, of the wrong type or a property of every object is an error, never a match', () => {
  for (const source of [
    'args.nothing == 1',
    'args.constructor == args.constructor',
    'args.toString != null',
    'args.hasOwnProperty != null',
    'args["__proto__"] != null',
    'args.text < 5',
    'args.text.length > 0',
    'args.list[7] == 1',
    'args.text',
    'int(args.text) == 5',
  ])
    assert.equal(typeof evaluate(source, { args: { text: 'abc', list: [1] } }), 'string', source);
  for (const source of ['has(args.toString)', '"constructor" in args', '"__proto__" in args', 'has(args.text.length)'])
    assert.notEqual(evaluate(source, { args: { text: 'abc' } }), true, source);
});

test('A18: has() on what is no map is an error, and looks through maps as CEL does', () => {
  for (const source of [
    '!has(args.o.limit)',
    'has(args.o.limit)',
    '!has(args.o.limit) || args.o.limit < 5',
    'args.l.all(each, !has(each.limit))',
    'true && (!has(args.o . limit) || !has(args.o.limit))',
  ])
    for (const o of ['{"limit":9}', ['limit'], [], '', 7, null, true])
      assert.equal(typeof evaluate(source, { args: { o, l: [o] } }), 'string', `${source} ${JSON.stringify(o)}`);
  assert.match(String(evaluate('!has(args.o.limit)', { args: { o: 'x' } })), /^not a map/);
  assert.equal(typeof evaluate('!has(args.o.limit)', { args: {} }), 'string');
  assert.equal(evaluate('!has(args.o.limit) || args.o.limit < 5', { args: { o: {} } }), true);
  assert.equal(evaluate('!has(args.o.limit) || args.o.limit < 5', { args: { o: { limit: 9 } } }), false);
  assert.equal(evaluate('!has(args.toString) && !has(args.o.constructor)', { args: { o: {} } }), true);
  assert.equal(evaluate('has(args.l) && args.l.all(each, has(each.n))', { args: { l: [{ n: 1 }] } }), true);
  assert.equal(evaluate('"é😀" == args.t && has(args.o.n)', { args: { t: 'é😀', o: { n: 1 } } }), true);
  const many = Array.from({ length: 110 }, () => 'has(args.n)').join(' && ');
  assert.equal(evaluate(many, { args: { n: 1 } }), true);
  const deep = `${'('.repeat(24)}has(args.n)${')'.repeat(24)}`;
  assert.equal(evaluate(deep, { args: { n: 1 } }), true);
  assert.equal(problem('mapOrError(args.o) == {}').code, 'POL002');
});

test('the reason of an error repeats nothing of the values', () => {
  for (const source of ['args.map[args.secret] == 1', 'int(args.secret) == 1', 'timestamp(args.secret) < time']) {
    const outcome = evaluate(source, { args: { map: {}, secret: 'hunter2' }, time: new Date(0) });
    assert.ok(typeof outcome === 'string' && !outcome.includes('hunter2'), String(outcome));
  }
});

test('numbers beyond double precision compare exactly or not at all', () => {
  const args = { big: 9007199254740993n, fraction: undefined, list: [undefined] };
  assert.equal(evaluate('args.big == 9007199254740993', { args }), true);
  assert.equal(evaluate('args.big == 9007199254740992', { args }), false);
  assert.equal(evaluate('args.big > 9007199254740992', { args }), true);
  for (const source of [
    'args.fraction > 1.0',
    'has(args.fraction)',
    '!has(args.fraction)',
    '"fraction" in args',
    'size(args.list) == 1',
  ])
    assert.equal(typeof evaluate(source, { args }), 'string', source);
  assert.equal(evaluate('args.big > 0', { args }), true, 'only what is touched counts');
});

test('B11: trust has no order and time no members in a condition', () => {
  for (const source of [
    'caller.trust >= "trusted"',
    '"standard" < caller["trust"]',
    '!(caller.trust < "trusted")',
    'args.ids.exists(id, (caller.trust) > id)',
    '(true ? caller.trust : "x") <= "y"',
  ])
    assert.match(problem(source).text, /Name the values/, source);
  for (const source of ['time.hour > 8', 'has(time.hour)', 'time["year"] == 2026'])
    assert.match(problem(source).text, /time has no member/, source);
  assert.equal(evaluate('caller.trust in ["standard", "trusted"] && caller.trust != "untrusted"', { args: {} }), true);
});

test('C8: a member of any name is one, and absent where it is not there', () => {
  const o = { constructor: 'x', n: 1 };
  for (const source of [
    'args.constructor.n == 1 && has(args.o.constructor) && args.o.n == 1',
    'args.o == args.p && args.l[0].constructor == "x"',
    'args.o.exists(k, k == "constructor") && "constructor" in args.o',
  ])
    assert.equal(evaluate(source, { args: { constructor: { n: 1 }, o, p: { ...o }, l: [o] } }), true, source);
  assert.match(problem('args.o == {"constructor": "x"}').text, /one by one/);
});

test('large values make a condition fail, not slow', () => {
  const args = { list: Array.from({ length: 1_001 }, () => 'x'), small: 1, text: 'x'.repeat(2 ** 21) };
  assert.equal(typeof evaluate('args.list.exists(x, x == "y")', { args }), 'string');
  assert.equal(typeof evaluate('"y" in args.list', { args }), 'string');
  assert.equal(typeof evaluate('args.text.contains("y")', { args }), 'string');
  assert.equal(typeof evaluate('"y" in args', { args }), 'string');
  assert.equal(evaluate('args.small == 1', { args }), true);
});

test('mistakes are found when the file loads, with their place', () => {
  assert.deepEqual(problem('args.x ==').code, 'POL001');
  assert.match(problem('agrs.x == 1').text, /no variable "agrs"/);
  assert.deepEqual({ ...problem('true && caller.rolls == []'), text: '' }, { code: 'POL002', start: 8, text: '' });
  assert.match(problem('caller.rolls == []').text, /Did you mean "roles"/);
  assert.match(problem('caller.user + 1 == "a"').text, /types do not fit/);
  assert.match(problem('uri.id == "1"').text, /resources only/);
  assert.match(problem('args.id == "1"', 'resource').text, /Use "uri"/);
  assert.match(problem('uri.ib == "1"', 'resource', ['id']).text, /Did you mean "id"/);
  assert.match(problem('caller.user').text, /true or false/);
  assert.equal(problem('args.x.matches("^(a+)+$")').code, 'POL003');
  assert.equal(problem('matches(args.x, "a")').code, 'POL003');
  assert.match(problem('time.getHours("Europe/Pariss") > 8').text, /no time zone "Europe\/Pariss"/);
  assert.equal(problem('args.a.exists(x, args.b.exists(y, x == y))').code, 'POL003');
  assert.equal(problem('args.a.map(x, args.b.filter(y, x == y)) == []').code, 'POL003');
  assert.equal(problem(`${'('.repeat(50)}true${')'.repeat(50)}`).code, 'POL001');
  assert.equal(problem(Array.from({ length: 600 }, () => 'true').join(' && ')).code, 'POL001');
});

/** Expressions over three arguments; most of them are well typed. */
const atom = fc.constantFrom(
  'args.n',
  'args.s',
  'args.l',
  '1',
  '2.5',
  '"x"',
  '"abc"',
  'true',
  'args.none',
  'args.l[0]',
);
const { tree: expression } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc
      .tuple(tie('tree'), fc.constantFrom('==', '!=', '<', '<=', '>', '>=', '&&', '||', '+', 'in'), tie('tree'))
      .map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    tie('tree').map((a) => `!(${a})`),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => `(${a}).startsWith(${b})`),
    fc.constantFrom(
      'has(args.n)',
      'has(args.none)',
      'size(args.l)',
      'args.l.exists(x, x == "x")',
      'args.l.all(x, x != args.s)',
    ),
  ),
}));

test('another implementation of CEL gives no other value', () => {
  const env = celEnv();
  let compared = 0;
  fc.assert(
    fc.property(
      expression,
      fc.record(
        {
          n: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(2.5)),
          s: fc.constantFrom('x', 'abc', ''),
          l: fc.array(fc.constantFrom('x', 'y', 'abc'), { maxLength: 3 }),
        },
        { noNullPrototype: true },
      ),
      (source, args) => {
        const compiled = compileCondition(source, 'arguments');
        if (!compiled.ok) return;
        const ours = compiled.condition.evaluate({ args, caller });
        if (typeof ours === 'string') return;
        const theirs = plan(env, oracleParse(source))({ args: args as unknown as CelInput });
        compared++;
        assert.equal(theirs, ours, source);
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(compared > 500, `only ${compared} were compared`);
});
