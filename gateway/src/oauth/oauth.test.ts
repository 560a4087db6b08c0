import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readReturn } from './authorization.ts';
import { bearerChallenge } from './challenge.ts';
import { names } from './resource.ts';
import { scopesToAskFor } from './scopes.ts';

test('a challenge is found among others, quoted or not', () => {
  assert.deepEqual(bearerChallenge('Bearer'), { scopes: [] });
  assert.deepEqual(
    bearerChallenge(
      'Basic realm="a, Bearer scope=x", Bearer error="insufficient_scope", scope="a b a", resource_metadata="https://s.example/m"',
    ),
    { error: 'insufficient_scope', scopes: ['a', 'b'], resourceMetadata: 'https://s.example/m' },
  );
  assert.deepEqual(bearerChallenge('bearer scope=read , DPoP algs="ES256", scope="other"'), { scopes: ['read'] });
  for (const none of [undefined, '', 'Basic realm="x"', 'DPoP error="use_dpop_nonce"', 'x'.repeat(5_000)])
    assert.equal(bearerChallenge(none), undefined);
});

test('metadata may speak of the server or of the host that it is a part of, and of nothing else', () => {
  const server = 'https://s.example/a/mcp';
  for (const right of [server, `${server}/`, 'https://s.example', 'https://s.example/', 'https://s.example/a'])
    assert.equal(names(right, server), true, right);
  for (const wrong of [
    'https://evil.example/a/mcp',
    'http://s.example/a/mcp',
    'https://s.example:8443/a/mcp',
    'https://s.example/b/mcp',
    'https://s.example/a/mcp2',
    'https://s.example/a/mc',
    'https://s.example/a/mcp?tenant=2',
    'https://s.example/a/mcp#x',
    'https://me@s.example/a/mcp',
    'nothing',
  ])
    assert.equal(names(wrong, server), false, wrong);
});

test('scopes: the challenge, else the configuration, else the metadata, else none', () => {
  const none = { wanted: [], challenged: [], configured: [], supported: [], offered: undefined, granted: [] };
  assert.deepEqual(scopesToAskFor(none), []);
  assert.deepEqual(scopesToAskFor({ ...none, supported: ['s'] }), ['s']);
  assert.deepEqual(scopesToAskFor({ ...none, supported: ['s'], configured: ['c'] }), ['c']);
  assert.deepEqual(scopesToAskFor({ ...none, supported: ['s'], configured: ['c'], challenged: ['h'] }), ['h']);
  assert.deepEqual(scopesToAskFor({ ...none, challenged: ['h'], granted: ['g'], wanted: ['w'] }), ['g', 'h', 'w']);
  assert.deepEqual(scopesToAskFor({ ...none, offered: ['a', 'offline_access'] }), ['offline_access']);
  assert.deepEqual(scopesToAskFor({ ...none, offered: ['a'], supported: ['offline_access'] }), []);
});

const issuer = 'https://as.example';
const returned = (query: string, required: boolean) =>
  readReturn(new URLSearchParams(query), { issuer, namesIssuer: required });

test('the table of RFC 9207 as MCP asks for it: compared when there, required when promised, as it is written', () => {
  assert.deepEqual(returned('code=c&iss=https://as.example', true), { ok: true, code: 'c' });
  assert.deepEqual(returned('code=c&iss=https://as.example', false), { ok: true, code: 'c' });
  assert.deepEqual(returned('code=c', false), { ok: true, code: 'c' });
  for (const [query, required] of [
    ['code=c', true],
    ['code=c&iss=https://evil.example', true],
    ['code=c&iss=https://evil.example', false],
    ['code=c&iss=https://as.example/', false],
    ['code=c&iss=HTTPS://as.example', false],
    ['code=c&iss=https://as.example:443', false],
    ['code=c&iss=https://as.example&iss=https://as.example', false],
    ['code=c&code=d&iss=https://as.example', true],
    ['iss=https://as.example', true],
  ] as const)
    assert.equal(returned(query, required).ok, false, query);
});

test('an error of another issuer is not even read', () => {
  const mixed = returned('error=access_denied&iss=https://evil.example', true);
  assert.deepEqual(mixed, { ok: false, denied: false, problem: 'the answer comes from another issuer' });
  const own = returned('error=access_denied&iss=https://as.example&error_description=<b>', true);
  assert.deepEqual(own, { ok: false, denied: true, problem: 'the authorization server says access_denied' });
});
