import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Road, result, roadOf } from '../../../../test/support/road.ts';
import type { Json, JsonObject } from '../../../protocol/json.ts';
import { withoutFields } from './fields.ts';
import { withoutColumns } from './table.ts';

function taken<Done>(steps: Generator<undefined, Done>): Done {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

const pointers = (...texts: string[]) => texts.map((text) => text.slice(1).split('/'));

test('fields are taken out wherever a pointer leads, and nothing else is', () => {
  const cases: readonly (readonly [Json, string[], Json])[] = [
    [{ budget: 5, name: 'a' }, ['/budget'], { name: 'a' }],
    [{ tasks: [{ n: 1, notes: 'x' }, { n: 2 }] }, ['/tasks/*/notes'], { tasks: [{ n: 1 }, { n: 2 }] }],
    [{ a: { b: 1, c: 2 }, d: { b: 3 } }, ['/*/b'], { a: { c: 2 }, d: {} }],
    [[1, 2, 3], ['/1'], [1, 3]],
    [{ a: { b: { c: 1 } } }, ['/a/b/c', '/a/b'], { a: {} }],
    [{ a: 'text' }, ['/a/b'], { a: 'text' }],
    [{ a: [[{ s: 1 }]] }, ['/a/*/*/s'], { a: [[{}]] }],
    [{ constructor: 1, __proto: 2 }, ['/toString', '/constructor'], { __proto: 2 }],
  ];
  for (const [value, masked, expected] of cases) assert.deepEqual(withoutFields(value, pointers(...masked)), expected);
  const same = { a: [{ b: 1 }] };
  assert.equal(withoutFields(same, pointers('/a/*/c', '/d')), same);
});

test('columns are taken out of a table, whatever its quotes and line ends, and what is no table is not read', () => {
  const masked = pointers('/*/budget');
  for (const [text, expected] of [
    ['name,budget\na,1\nb,2\n', 'name\na\nb\n'],
    ['name,"budget"\r\n"a, b","1\n2"\r\n', 'name\n"a, b"\n'],
    ['budget,name\n1,"say ""hi"""', 'name\n"say ""hi"""\n'],
    ['name,cost\na,1\n', undefined],
    ['name,budget\na\n', undefined],
    ['name,budget\na,1"2\n', undefined],
    ['name,budget\n"a"b,1\n', undefined],
    ['name,budget\n"a,1\n', undefined],
  ] as const)
    assert.equal(taken(withoutColumns(text, masked)), expected, text);
});

const masking = `- name: c
  from: { agent: a }
  to: s
  tools:
    - { allow: "*", mask: [/budget, "/tasks/*/notes"], unless: 'args.text == "show"' }
  resources:
    - { allow: "*", mask: /budget }`;

async function shown(road: Road, text = 'hi'): Promise<JsonObject> {
  const { reply } = await road.send({ params: { name: 'echo', arguments: { text } } });
  assert.equal(reply.kind, 'text');
  return JSON.parse((reply as { readonly text: string }).text) as JsonObject;
}

const project = { name: 'falcon', budget: 77_123, tasks: [{ id: 1, notes: 'secret-77123' }] };

const layouts: Readonly<Record<string, JsonObject>> = {
  text: { content: [{ type: 'text', text: JSON.stringify(project) }] },
  'text with escapes': {
    content: [{ type: 'text', text: JSON.stringify(project).replace('budget', '\\u0062udget') }],
  },
  'structured content': { content: [], structuredContent: project },
  'both, twice': {
    content: [1, 2].map(() => ({ type: 'text', text: JSON.stringify(project, undefined, 2) })),
    structuredContent: { result: project },
  },
  'the text again within structured content': {
    content: [
      { type: 'text', text: 'The budget is 77123' },
      { type: 'text', text: JSON.stringify(project) },
    ],
    structuredContent: {
      content: ' The budget is 77123',
      raw: JSON.stringify(project),
      lines: [`${JSON.stringify(project)}\n`],
    },
  },
  'an embedded resource': {
    content: [
      { type: 'resource', resource: { uri: 'a:b', mimeType: 'application/json', text: JSON.stringify(project) } },
      { type: 'resource', resource: { uri: 'a:c', mimeType: 'text/csv', text: 'name,budget\nfalcon,77123\n' } },
      { type: 'resource', resource: { uri: 'a:d', blob: Buffer.from('77123').toString('base64') } },
    ],
  },
  'words, a picture, half of a JSON text': {
    content: [
      { type: 'text', text: 'The budget is 77123' },
      { type: 'image', mimeType: 'image/png', data: Buffer.from('77123').toString('base64') },
      { type: 'text', text: '77123' },
      { type: 'text', text: JSON.stringify(project).slice(5) },
    ],
  },
  'texts within structured content that are no single JSON text': {
    content: [],
    structuredContent: {
      lines: `${JSON.stringify({ id: 1 })}\n${JSON.stringify(project)}`,
      twice: '{"budget":1,"budget":77123}',
      event: `data: ${JSON.stringify(project)}\n\n`,
      half: JSON.stringify(project).slice(0, -1),
      list: [`[${JSON.stringify(project)}`],
    },
  },
  'lines of JSON': { content: [{ type: 'text', text: `${JSON.stringify({ id: 1 })}\n${JSON.stringify(project)}` }] },
  'members that no specification has': {
    content: [],
    _meta: { 'com.example/budget': 77_123 },
    other: { budget: 77_123 },
    more: 'budget: 77123',
  },
};

for (const [layout, answer] of Object.entries(layouts))
  test(`a masked field is not in ${layout}, and is where the mask does not apply`, async () => {
    const road = await roadOf(masking, { server: { answer: () => result(answer) } });
    const text = JSON.stringify(await shown(road));
    assert.doesNotMatch(text, /77123/);
    assert.ok(!text.includes(Buffer.from('77123').toString('base64')));
    assert.deepEqual(road.records.at(-1)?.end?.checks, [{ name: 'masks', part: 'result', verdict: 'masked' }]);
    assert.doesNotMatch(JSON.stringify(road.records), /77123/);
    assert.deepEqual(await shown(road, 'show'), { resultType: 'complete', ...answer });
  });

test('errors, progress and log messages of a masked call show no more', async () => {
  const notices = [
    ['notifications/progress', { progress: 1, message: 'budget 77123' }],
    ['notifications/message', { level: 'info', data: { budget: 77_123, step: 1 } }],
    ['notifications/message', { level: 'info', data: 'budget 77123' }],
  ] as const;
  const road = await roadOf(masking, {
    server: {
      answer: (call) => {
        for (const [method, params] of notices) call.onNotification(method, params);
        return { kind: 'error', error: { code: -32_000, message: 'budget 77123', data: { budget: 77_123, at: 1 } } };
      },
    },
  });
  const meta = { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'debug' };
  const { reply, told } = await road.send({ params: { name: 'echo', arguments: { text: 'hi' }, _meta: meta } });
  assert.doesNotMatch(JSON.stringify([reply, told]), /77123/);
  assert.equal(told.length, 3);
  assert.match(JSON.stringify(told[1]), /"step":1/);
  assert.match(JSON.stringify(reply), /"at":1/);
});

test('text in which nothing can be masked is kept where the rule says so', async () => {
  const kept = masking.replace('unless: \'args.text == "show"\'', 'maskText: keep');
  const answer = {
    content: [
      { type: 'text', text: 'all is well' },
      { type: 'text', text: '{"budget":77123}' },
    ],
  };
  const road = await roadOf(kept, { server: { answer: () => result(answer) } });
  assert.deepEqual((await shown(road)).content, [
    { type: 'text', text: 'all is well' },
    { type: 'text', text: '{}' },
  ]);
});

test('a condition that cannot be evaluated masks', async () => {
  const failing = masking.replace('args.text == "show"', 'args.missing.deeper == 1');
  const road = await roadOf(failing, { server: { answer: () => result(layouts.text as JsonObject) } });
  assert.doesNotMatch(JSON.stringify(await shown(road, 'show')), /77123/);
});

test('whatever stands around it, a masked field is gone and everything else stays', () => {
  const name = fc.constantFrom('budget', 'tasks', 'notes', 'a', '*', '0', '');
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>('secret', 1, null, true),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 3 }), (json, masked) => {
      const before = JSON.stringify(json);
      const after = withoutFields(json, masked);
      assert.equal(JSON.stringify(json), before);
      const left = pathsOf(json).filter((path) => !masked.some((each) => leads(each, path)));
      assert.deepEqual(pathsOf(after).map(unnumbered), left.map(unnumbered));
    }),
  );
});

type Path = readonly (string | number)[];

/** The leaves, each with what leads to it. */
function pathsOf(value: Json, path: Path = []): readonly Path[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap((item, index) => pathsOf(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [[...path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]));
}

/** Items move up when others are taken out. */
const unnumbered = (path: Path): Path => path.map((part) => (typeof part === 'number' ? '#' : part));

function leads(pointer: readonly string[], path: Path): boolean {
  return pointer.length < path.length && pointer.every((part, index) => part === '*' || part === String(path[index]));
}
