import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { roadOf } from '../../../../test/support/road.ts';
import type { ArgumentRole, SqlRole } from '../../../pipeline/contracts/argument-roles.ts';
import type { Json, JsonObject } from '../../../protocol/json.ts';
import { judged } from './values.ts';

const now = Date.parse('2026-11-29T12:00:00Z');
const of = (role: Exclude<ArgumentRole, SqlRole>) => (value: Json) => {
  const result = judged(value, role, now);
  return result.ok ? result.value : undefined;
};

test('a path is held under its folders, in one spelling', () => {
  const path = of({ role: 'path', under: ['/shared', '/srv/data/'] });
  for (const [text, expected] of [
    ['/shared', '/shared'],
    ['/shared/a/../b//c/./d', '/shared/b/c/d'],
    ['/shared/a/', '/shared/a'],
    ['notes.txt', '/shared/notes.txt'],
    ['/srv/data/x', '/srv/data/x'],
    ['/shared/ü/日本', '/shared/ü/日本'],
    ['/shared/..', undefined],
    ['/shared/../etc/passwd', undefined],
    ['../etc/passwd', undefined],
    ['/sharedness/a', undefined],
    ['/shared/%2e%2e/etc', undefined],
    ['/shared/..%2fetc', undefined],
    ['/shared\\..\\etc', undefined],
    ['//host/shared', undefined],
    ['/shared/a\0.txt', undefined],
    ['~/x', undefined],
    ['/shared/PROGRA~1', undefined],
    ['/shared/$HOME', undefined],
    ['/shared/a|b', undefined],
    ['/shared/.../x', undefined],
    ['', undefined],
    ['C:/x', '/shared/C:/x'],
  ] as const)
    assert.equal(path(text), expected, text);
  const windows = of({ role: 'path', under: ['C:/data'] });
  for (const [text, expected] of [
    ['c:\\DATA\\a', 'c:\\DATA\\a'],
    ['C:/data/../x', undefined],
    ['\\\\host\\share', undefined],
    ['C:\\data\\a:stream', undefined],
    ['D:\\data', undefined],
    ['a:stream', undefined],
    ['sub\\CON', undefined],
    ['sub\\...\\x', undefined],
    ['a\\b', 'C:\\data\\a\\b'],
  ] as const)
    assert.equal(windows(text), expected, text);
});

test('a URL names a host that is allowed, in one spelling', () => {
  const url = of({ role: 'url', schemes: ['https', 'http'], hosts: [], private: 'deny' });
  for (const [text, expected] of [
    ['https://example.org/a?b=c', 'https://example.org/a?b=c'],
    ['HTTPS://Example.ORG', 'https://example.org/'],
    ['https://93.184.216.34/', 'https://93.184.216.34/'],
    ['https://2130706433/', undefined],
    ['https://0x7f.1/', undefined],
    ['https://127.1/', undefined],
    ['https://0177.0.0.1/', undefined],
    ['https://127.0.0.1/', undefined],
    ['https://[::1]/', undefined],
    ['https://[::ffff:10.0.0.1]/', undefined],
    ['https://169.254.169.254/latest/meta-data', undefined],
    ['https://metadata.google.internal/', undefined],
    ['https://localhost/', undefined],
    ['https://localhost./', undefined],
    ['https://intranet/', undefined],
    ['https://user@example.org/', undefined],
    ['https://example.org@10.0.0.1/', undefined],
    ['https://example.org\\@10.0.0.1/', undefined],
    ['https:example.org', undefined],
    ['https:///example.org', undefined],
    [' https://example.org', undefined],
    ['https://exa\tmple.org', undefined],
    ['https://ex%61mple.org/', undefined],
    ['https://ⓔxample.org/', undefined],
    ['ftp://example.org/', undefined],
    ['javascript:alert(1)', undefined],
    ['file:///etc/passwd', undefined],
    ['no url', undefined],
  ] as const)
    assert.equal(url(text), expected, text);
  const listed = of({ role: 'url', schemes: ['https'], hosts: ['*.example.org', '10.0.0.5'], private: 'deny' });
  assert.equal(listed('https://a.example.org/x'), 'https://a.example.org/x');
  assert.equal(listed('https://10.0.0.5/x'), 'https://10.0.0.5/x');
  for (const text of ['https://example.org/', 'https://badexample.org/', 'https://a.example.org.evil.net/'])
    assert.equal(listed(text), undefined, text);
  const git = of({ role: 'url', schemes: ['git', 'ssh', 'mailto'], hosts: ['example.org'], private: 'deny' });
  assert.equal(git('ssh://example.org/x'), 'ssh://example.org/x');
  for (const text of [
    'git://evil.example/x',
    'ssh://10.0.0.1/x',
    'ssh://user@evil.example/',
    'mailto:a@b.example',
    'git:x',
  ])
    assert.equal(git(text), undefined, text);
});

test('hosts, identifiers, dates and numbers are held to what their roles say', () => {
  const host = of({ role: 'host', hosts: [], private: 'deny' });
  assert.equal(host('Example.org'), 'example.org');
  for (const text of ['10.0.0.1', 'a b', 'example.org:80', 'example.org/x', '1', 'localhost'])
    assert.equal(host(text), undefined, text);
  const identifier = of({ role: 'identifier', maxLength: 12 });
  assert.equal(identifier('TASK-12.a'), 'TASK-12.a');
  for (const text of ["1' OR '1", '$(id)', '../x', '-rf', 'a'.repeat(13), '', 'a\n'])
    assert.equal(identifier(text), undefined, text);
  const date = of({ role: 'date', after: { fromNow: -86_400_000 }, before: { at: Date.parse('2027-01-01') } });
  assert.equal(date('2026-11-29'), '2026-11-29');
  assert.equal(date('2026-12-31T23:59:59+01:00'), '2026-12-31T23:59:59+01:00');
  for (const text of ['2026-11-27', '2027-01-02', '2026-12-32', '2026-11-31', 'tomorrow', '2026-W48', '1'])
    assert.equal(date(text), undefined, text);
  const clamped = of({ role: 'limit', min: 1, max: 100, clamp: true });
  assert.deepEqual([clamped(5), clamped(1e9), clamped(-3), clamped('5')], [5, 100, 1, undefined]);
  const bounded = of({ role: 'limit', max: 100, clamp: false });
  assert.deepEqual([bounded(100), bounded(101)], [100, undefined]);
});

test('no path leaves its folders, whatever it is made of', () => {
  const path = of({ role: 'path', under: ['/shared'] });
  const part = fc.constantFrom('..', '.', 'a', '', 'shared', '/', '\\', '%2e', '\0', '~', 'etc');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.boolean(), (parts, absolute) => {
      const found = path((absolute ? '/' : '') + parts.join('/'));
      assert.ok(
        found === undefined || found === '/shared' || (typeof found === 'string' && found.startsWith('/shared/')),
      );
      assert.ok(found === undefined || !found.split('/').includes('..'));
    }),
  );
});

test('on the road: what is left of a value is what rules and server see, and what does not fit is told', async () => {
  const settings = `  tools: { echo: { arguments: { path: { role: path, under: /shared }, limit: { role: limit, max: 10, clamp: true }, /many/*: { role: identifier } } } }`;
  const open = () =>
    roadOf(
      '- { name: c, from: { agent: a }, to: s, tools: [{ allow: "*", when: \'args.path == "/shared/b" && args.limit == 10\' }] }',
      {
        serverSettings: settings,
        server: {
          tools: [
            {
              name: 'echo',
              inputSchema: {
                type: 'object',
                properties: { path: { type: 'string' }, limit: { type: 'integer' }, many: { type: 'array' } },
              },
            },
          ],
        },
      },
    );
  const road = await open();
  const send = (args: JsonObject) => road.send({ params: { name: 'echo', arguments: args } });
  assert.equal((await send({ path: '/shared/a/../b', limit: 500, many: ['x'] })).reply.kind, 'text');
  assert.deepEqual(road.calls.at(-1)?.params.arguments, { path: '/shared/b', limit: 10, many: ['x'] });
  assert.match(
    JSON.stringify(road.records.at(-1)?.facts),
    /"name":"argument-roles","part":"arguments","verdict":"changed"/,
  );
  const { reply } = await send({ path: '/shared/b/../../etc', limit: 1, many: ['x', '$(id)'] });
  assert.deepEqual(reply.kind === 'refused' && reply.refusal, {
    reason: 'arguments-invalid',
    problems: [
      'arguments/path: must lie under /shared',
      'arguments/many/1: must be an identifier of at most 128 letters, digits and . _ : @ -',
    ],
  });
});
