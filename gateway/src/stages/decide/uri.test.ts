import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUri } from './uri.ts';
import { matchUri, parsePattern } from './uri-pattern.ts';

function match(pattern: string, text: string, closing = false): Record<string, string> | string | undefined {
  const parsed = parsePattern(pattern);
  assert.ok(parsed.ok, `${pattern}: ${parsed.ok ? '' : parsed.problem}`);
  const uri = parseUri(text);
  return uri.ok ? matchUri(parsed.pattern, uri.uri, closing ? 'closing' : 'opening') : uri.fault;
}

test('a variable is one segment or a part of one', () => {
  const cases: readonly (readonly [pattern: string, uri: string, expected: Record<string, string> | undefined])[] = [
    ['resource://projects/{id}', 'resource://projects/123', { id: '123' }],
    ['resource://projects/{id}', 'RESOURCE://Projects/123', { id: '123' }],
    ['resource://projects/{id}', 'resource://projects/1%202', { id: '1 2' }],
    ['resource://projects/{id}', 'resource://projects/%41', { id: 'A' }],
    ['resource://projects/{id}', 'resource://projects/', undefined],
    ['resource://projects/{id}', 'resource://projects', undefined],
    ['resource://projects/{id}', 'resource://projects/1/2', undefined],
    ['resource://projects/{id}', 'resource://projects/1?x', undefined],
    ['resource://projects/{id}', 'resource://projects/1#x', undefined],
    ['resource://projects/{id}', 'resource://projects//1', undefined],
    ['resource://projects/{id}', 'resource://projectsx/1', undefined],
    ['resource://projects/v{n}.json', 'resource://projects/v7.json', { n: '7' }],
    ['resource://projects/v{n}.json', 'resource://projects/v.json', undefined],
    ['x://h/?q={q}', 'x://h/?q=1', { q: '1' }],
    ['x://h/?q={q}', 'x://h/?q=1&r=2', undefined],
    ['github://{owner}/{repo}', 'github://acme/site', { owner: 'acme', repo: 'site' }],
    ['github://{owner}/{repo}', 'github://acme:80/site', undefined],
    ['file:///a/b', 'file:///a/b', {}],
    ['file:///a/b', 'file://localhost/a/b', {}],
    ['file:///a/**', 'file:///a/b/c', {}],
    ['file:///a/**', 'file:///a', undefined],
    ['file:///a/**', 'file:///a/', undefined],
    ['file:///a/**', 'file:///ab/c', undefined],
    ['file:///a/**', 'file:///a//etc/passwd', undefined],
    ['test://static-text', 'test://static-text', {}],
    ['demo://resource/{n}', 'demo://resource/1', { n: '1' }],
    ['demo://**', 'demo://resource/static/1?x#y', {}],
    ['memory:{x}', 'memory:x', { x: 'x' }],
    ['ui://widget/main.html', 'ui://widget/main.html', {}],
    ['https://h/x', 'https://H:443/x', {}],
    ['note://a b', 'note://a%20b', {}],
    ['*', 'urn:isbn:123', {}],
    ['note://day/12:30', 'note://day/12%3A30', {}],
    ['x://h/?q={q}', 'x://h/?q=1%262', { q: '1&2' }],
    ['https://{tenant}.h:443/x', 'https://Acme.h/x', { tenant: 'acme' }],
    ['file:///a/**', 'file://elsewhere/a/b', undefined],
    ['file://share/a/**', 'file://SHARE/a/b', {}],
  ];
  for (const [pattern, uri, expected] of cases) assert.deepEqual(match(pattern, uri), expected, `${pattern} ${uri}`);
});

test('what two readers could take for different resources is refused, for every rule', () => {
  const cases: Readonly<Record<string, string>> = {
    'file:///a/../etc/passwd': 'has a dot segment',
    'file:///a/./b': 'has a dot segment',
    'file:///a/%2e%2e/etc': 'has a dot segment',
    'file:///a/%2E./etc': 'has a dot segment',
    'file:///a/..;/etc': 'has a dot segment',
    'file:///a/..': 'has a dot segment',
    'file:///a/..%3b/etc': 'has a dot segment',
    'file:///a%2Fetc': 'has an encoded slash',
    'file:///a%5cetc': 'has an encoded slash',
    'file:///a/%252e%252e/etc': 'is encoded twice',
    'file:///a%252fetc': 'is encoded twice',
    'file:///%25%32%65%25%32%65/etc': 'is encoded twice',
    'x://h/?q=%252e': 'is encoded twice',
    'file:///a\\..\\etc': 'has a control character or backslash',
    'file:///a\u0000': 'has a control character or backslash',
    'file:///a%00.txt': 'has a control character or backslash',
    'file:///a\n': 'has a control character or backslash',
    'file:///a\u0085': 'has a control character or backslash',
    'file:///a ': 'ends with white space',
    'file:///a\u00a0': 'ends with white space',
    'file:///a%0a': 'has a control character or backslash',
    'file:///a%c0%af': 'is not well encoded',
    'file:///a%': 'is not well encoded',
    'file:///a%zz': 'is not well encoded',
    'https://user@host/x': 'has a user name',
    'https://user:pass@host/x': 'has a user name',
    'https://user%40host/x': 'has no host',
    'https:///host/x': 'has no host',
    'https:/host/x': 'has no host',
    'https:host/x': 'has no host',
    'https://:443/x': 'has no host',
    'x://ho%2fst/x': 'has an encoded slash',
    '/etc/passwd': 'not a URI',
    '': 'not a URI',
    ' file:///a': 'not a URI',
    [`x:${'a'.repeat(9000)}`]: 'too long',
  };
  for (const [uri, fault] of Object.entries(cases)) assert.equal(match('*', uri), fault, uri);
});

test('rules that close are not led around', () => {
  for (const uri of [
    'file:///secret/a',
    'file:///secret/a?x',
    'file:///secret/a#x',
    'file:///secret/a/',
    'file:///secret//a',
    'file:////secret/a',
    'file://LOCALHOST/secret/a',
    'file:/secret/a',
    'file:///%73ecret/a',
    'file://anything/secret/a',
  ]) {
    assert.deepEqual(match('file:///secret/{name}', uri, true), { name: 'a' }, uri);
    assert.deepEqual(match('file:///secret/**', uri, true), {}, uri);
  }
  assert.deepEqual(match('file:///secret/**', 'file:///secret', true), {});
  assert.equal(match('file://share/secret/**', 'file:///secret/a', true), undefined, 'a host that is named counts');
});

test('a host is one host, however it is spelled', () => {
  for (const [pattern, ...spellings] of [
    ['https://example.com/**', 'https://example.com./x', 'https://EXAMPLE.com:0443/x', 'https://ex\uff41mple.com/x'],
    ['https://xn--bcher-kva.example/**', 'https://bücher.example/x', 'https://b%C3%BCcher.example:/x'],
    ['https://bücher.example/**', 'https://xn--bcher-kva.example/x'],
    ['http://127.0.0.1/**', 'http://0x7f.1/x', 'http://127.1:80/x', 'http://2130706433/x'],
    ['note://day/**', 'note://day:/x', 'NOTE://DAY/x'],
    ['note://day:80/**', 'note://day:0080/x'],
  ] as const)
    for (const uri of spellings) assert.deepEqual(match(pattern, uri, true), {}, `${pattern} ${uri}`);
});

test('a parameter that closes is found beside others, in any order', () => {
  for (const uri of ['db://h/x?table=secret', 'db://h/x?a=1&table=secre%74&b', 'db://h/x?table=secret#f'])
    assert.deepEqual(match('db://h/x?table=secret', uri, true), {}, uri);
  assert.deepEqual(match('db://h/x?a=1&table={t}', 'db://h/x?table=s&b=2&a=1', true), { t: 's' });
  for (const uri of ['db://h/x', 'db://h/x?table=public', 'db://h/x?nottable=secret', 'db://h/x?a=table=secret'])
    assert.equal(match('db://h/x?table=secret', uri, true), undefined, uri);
  assert.equal(match('db://h/x?table=secret', 'db://h/x?table=secret&a=1'), undefined, 'what opens is exact');
});

test('patterns that could be misread are refused', () => {
  for (const pattern of [
    'projects/{id}',
    'x://a/{+path}',
    'x://a{?q}',
    'x://a/{a}{b}',
    'x://a/{a}-{b}',
    'x://a/*',
    'x://a/**/b',
    'x://a/{id',
    'x://a/{id*}',
    'x://a/{id}/{id}',
    'x://u@a/b',
    'x://a/../b',
    'x://a/%2fb',
    '{s}://a',
    'x://a/%{id}',
    'x://a/**?q',
    'x://*/b',
    'https:///h/x',
    '',
  ])
    assert.equal(parsePattern(pattern).ok, false, pattern);
});

function encode(text: string): string {
  return text.replace(/./g, (each) => `%${each.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

test('an exact pattern matches exactly the URIs that mean the same, and nothing crosses a slash', () => {
  const segment = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  fc.assert(
    fc.property(segment, segment, fc.string({ unit: 'binary', maxLength: 12 }), (host, id, junk) => {
      assert.deepEqual(match('r://{host}/{id}', `r://${host}/${encode(id)}`), { host, id });
      const value = match(`r://${host}/{id}`, `r://${host}/${junk}`);
      if (typeof value === 'object') {
        assert.ok(!/[/\\]/.test(value['id'] ?? '/'), junk);
        assert.ok(!junk.includes('/') && !junk.includes('?') && !junk.includes('#'), junk);
        assert.ok(value['id'] !== '.' && value['id'] !== '..');
      }
    }),
    { numRuns: 500 },
  );
});

test('parsing terminates quickly and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseUri(text);
      parseUri(`x:${text}`);
      parsePattern(text);
      parsePattern(`x:${text}`);
    }),
    { numRuns: 500 },
  );
});

test('a host has no empty part', () => {
  for (const uri of [
    'http://.',
    'https://.:8443/a',
    'wss://./',
    'https://example.org../a',
    'https://a..b/',
    'https://.a/',
  ])
    assert.deepEqual(parseUri(uri), { ok: false, fault: 'has no host' });
});

test('the normal form of an authority is its own normal form', () => {
  for (const [uri, authority] of [
    ['doc://host:/a', 'host'],
    ['doc://host::/a', 'host'],
    ['doc://host:0007:/a', 'host:7'],
    ['doc://host:000/a', 'host:0'],
  ] as const) {
    const read = parseUri(uri);
    assert.ok(read.ok);
    assert.equal(read.uri.authority, authority);
  }
});

test('a pattern matches the URI that is written like it, whatever letters its host has', () => {
  for (const text of ['file://b\u00fccher/a/1', 'file://%C3%BC/a', 'doc://b\u00fccher/a', 'doc://H%c3%bc:07/a']) {
    const [pattern, uri] = [parsePattern(text), parseUri(text)];
    assert.ok(pattern.ok && uri.ok, text);
    for (const closing of [true, false])
      assert.notEqual(
        matchUri(pattern.pattern, uri.uri, closing ? 'closing' : 'opening'),
        undefined,
        `${text} ${closing}`,
      );
  }
});

test('a port beside the host does not lead around a rule that closes every host', () => {
  const parsed = parsePattern('doc://{host}/secret');
  assert.ok(parsed.ok);
  for (const text of ['doc://h/secret', 'doc://h:8080/secret']) {
    const uri = parseUri(text);
    assert.ok(uri.ok, text);
    assert.notEqual(matchUri(parsed.pattern, uri.uri, 'closing'), undefined, text);
  }
  const other = parseUri('doc://h:8080/secret');
  assert.ok(other.ok);
  assert.equal(matchUri(parsed.pattern, other.uri, 'opening'), undefined, 'what opens reads narrowly');
});

test('a host of characters that no name has is none, however they are written', () => {
  for (const text of ['https://ex"e.org/a', 'https://ex%22e.org/a', 'https://a`b/', 'https://a|b/'])
    assert.equal(parseUri(text).ok, false, text);
});
