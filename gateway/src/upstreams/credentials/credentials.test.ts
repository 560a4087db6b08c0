import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fetch } from '../../egress/fetch.ts';
import { egressGuard } from '../../egress/guard.ts';
import type { Granted } from '../../oauth/token-endpoint.ts';
import type { Caller } from '../../pipeline/contracts/caller.ts';
import type { CredentialParts } from './contract.ts';
import { maxTokens } from './per-caller.ts';
import { TokenCredential } from './token.ts';
import { tokenExchange } from './token-exchange/token-exchange.ts';

function clocked(answers: Granted[]) {
  const clock = { now: 1_000_000 };
  let grants = 0;
  const credential = new TokenCredential(
    async () => {
      grants += 1;
      return answers.shift() ?? { ok: false, lasting: false, problem: 'no more answers' };
    },
    () => clock.now,
  );
  return { clock, credential, grants: () => grants };
}

const token = (name: string, lifetime = 600_000): Granted => ({ ok: true, token: name, lifetime });

test('a token is fetched once however many wait, and kept until shortly before its end', async () => {
  const { clock, credential, grants } = clocked([token('one'), token('two')]);
  const all = await Promise.all(Array.from({ length: 1_000 }, async () => credential.ready()));
  assert.equal(grants(), 1);
  assert.ok(all.every((ready) => ready.ok && ready.headers['authorization'] === 'Bearer one'));
  clock.now += 500_000;
  assert.deepEqual(credential.ready(), { ok: true, headers: { authorization: 'Bearer one' } });
  assert.equal(grants(), 1);
  clock.now += 50_000;
  assert.ok(!(credential.ready() instanceof Promise), 'no call waits while the old one is good');
  await Promise.resolve();
  assert.equal(grants(), 2);
});

test('a transient failure leaves the token in use; invalid_grant ends it', async () => {
  const { clock, credential, grants } = clocked([
    token('one'),
    { ok: false, lasting: false, problem: 'the network' },
    { ok: false, lasting: true, reauthorize: true, problem: 'invalid_grant' },
  ]);
  await credential.ready();
  clock.now += 545_000;
  assert.ok((await credential.ready()).ok);
  await new Promise(setImmediate);
  assert.equal(credential.state().state, 'expiring');
  assert.ok((await credential.ready()).ok, 'the old one is used on');
  assert.equal(grants(), 2, 'and the server is not asked again at once');
  clock.now += 2_000;
  assert.ok((await credential.ready()).ok);
  await new Promise(setImmediate);
  assert.equal(grants(), 3);
  assert.deepEqual(await credential.ready(), { ok: false, problem: 'invalid_grant' });
  assert.equal(credential.state().state, 'reauthorize');
  assert.equal(grants(), 3, 'what lasts is not asked for again at once');
});

test('a token that was refused is dropped, but not the one that another call has fetched since', async () => {
  const { credential, grants } = clocked([token('one'), token('two')]);
  const first = await credential.ready();
  assert.ok(first.ok);
  credential.refused(first.headers);
  const second = await credential.ready();
  assert.ok(second.ok && second.headers['authorization'] === 'Bearer two');
  credential.refused(first.headers);
  assert.equal(grants(), 2);
  assert.deepEqual(await credential.ready(), second);
});

const config = {
  tokenUrl: 'https://as.example/token',
  clientId: 'gateway',
  clientSecret: 's',
  algorithm: 'ES256' as const,
  scopes: [],
  actor: false,
};

function callerWith(user: string, subject: string, expiresAt?: number): Caller {
  return {
    user,
    roles: [],
    scopes: [],
    claims: {},
    attributes: {},
    trust: 'standard',
    key: `user:${user}`,
    credential: { kind: 'token', id: subject, subjectToken: () => subject, ...(expiresAt && { expiresAt }) },
  };
}

function parts(fetch: Fetch): CredentialParts {
  return { name: 'server', resource: 'https://server.example/mcp', fetch, guard: egressGuard([]) };
}

test('a thousand callers at once make one exchange each, and none gets the token of another', async () => {
  const asked: string[] = [];
  const fetch: Fetch = async (_url, ask) => {
    const subject = new URLSearchParams(ask?.body).get('subject_token') ?? '';
    asked.push(subject);
    await new Promise(setImmediate);
    return {
      ok: true,
      status: 200,
      headers: {},
      text: JSON.stringify({ access_token: `for-${subject}`, expires_in: 600 }),
    };
  };
  const kind = tokenExchange.create(config, parts(fetch));
  const callers = Array.from({ length: 1_000 }, (_, index) => callerWith(`u${index}`, `t${index}`));
  const answers = await Promise.all(
    [...callers, ...callers, ...callers].map(async (caller) => ({ caller, ready: await kind.of(caller).ready() })),
  );
  assert.equal(asked.length, 1_000);
  for (const { caller, ready } of answers)
    assert.ok(ready.ok && ready.headers['authorization'] === `Bearer for-${caller.credential.id}`);
});

test('callers with tokens are kept within a bound, and a new token of a caller is the one that is exchanged', async () => {
  const asked: string[] = [];
  const fetch: Fetch = async (_url, ask) => {
    asked.push(new URLSearchParams(ask?.body).get('subject_token') ?? '');
    return { ok: true, status: 200, headers: {}, text: '{"access_token":"x","expires_in":600}' };
  };
  const kind = tokenExchange.create(config, parts(fetch));
  kind.of(callerWith('dana', 'old', 1_000));
  await kind.of(callerWith('dana', 'new', Date.now() + 600_000)).ready();
  assert.deepEqual(asked, ['new']);
  for (let index = 0; index < maxTokens + 10; index++) kind.of(callerWith(`u${index}`, 't'));
  assert.equal([...kind.all()].length, maxTokens);
});
