import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Granted } from '../../../oauth/token-endpoint.ts';
import { AccountCredential, type AccountHost } from './account.ts';
import type { Account } from './vault.ts';

const minute = 60_000;

function accountOf(user: string, more: Partial<Account> = {}): Account {
  return {
    server: 'notes',
    url: 'https://notes.example/mcp',
    user,
    issuer: 'https://as.example',
    resource: 'https://notes.example/mcp',
    clientId: 'gateway',
    token: `token-of-${user}`,
    refresh: `refresh-of-${user}`,
    scopes: ['read'],
    issuedAt: 0,
    expiresAt: 10 * minute,
    ...more,
  };
}

/** A server with these accounts on disk, and an authorization server that answers like this. */
function world(stored: readonly Account[], renew: (account: Account, refresh: string) => Granted | Promise<Granted>) {
  const disk = new Map(stored.map((account) => [account.user, account]));
  const facts = { now: 1_000, blocked: undefined as string | undefined, fits: true, full: false };
  const renewals: string[] = [];
  const prompts: (readonly string[])[] = [];
  let verified = 0;
  const host: AccountHost = {
    blocked: () => facts.blocked,
    fits: () => facts.fits,
    verifyIssuer: async () => void (verified += 1),
    load: async (user) => disk.get(user),
    replace: async (account) => {
      if (facts.full) throw new Error('the disk is full');
      if (!disk.has(account.user)) return false;
      disk.set(account.user, account);
      return true;
    },
    forget: (user) => void disk.delete(user),
    renew: async (account, refresh) => {
      renewals.push(refresh);
      await new Promise(setImmediate);
      return renew(account, refresh);
    },
    invite: (_user, wanted) => {
      prompts.push(wanted);
      return { server: 'notes', id: 'x', url: 'https://gateway.example/connect/x' };
    },
  };
  const of = (user: string) => new AccountCredential(user, host, () => facts.now);
  return { disk, facts, renewals, prompts, of, verified: () => verified };
}

/** Lets the work in the background of a call that did not wait finish. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

const bearer = (token: string) => ({ ok: true, headers: { authorization: `Bearer ${token}` } });
const rotated = (account: Account): Granted => ({
  ok: true,
  token: `${account.token}+`,
  refresh: `${account.refresh}+`,
  lifetime: 10 * minute,
});

test('a thousand users whose tokens are over make one renewal each, however many calls wait, and get their own', async () => {
  const users = Array.from({ length: 1_000 }, (_, index) => `u${index}`);
  const w = world(
    users.map((user) => accountOf(user)),
    rotated,
  );
  w.facts.now = 11 * minute;
  const credentials = users.map((user) => w.of(user));
  const answers = await Promise.all(
    [...credentials, ...credentials, ...credentials].map(async (each) => [each.user, await each.ready()] as const),
  );
  assert.equal(w.renewals.length, 1_000);
  assert.equal(new Set(w.renewals).size, 1_000);
  for (const [user, ready] of answers) assert.deepEqual(ready, bearer(`token-of-${user}+`));
});

test('no call waits while the old token is good; the next renewal uses the refresh token that came with the last', async () => {
  const w = world([accountOf('dana')], rotated);
  const dana = w.of('dana');
  assert.deepEqual(await dana.ready(), bearer('token-of-dana'));
  w.facts.now = 9.5 * minute;
  assert.deepEqual(dana.ready(), bearer('token-of-dana'), 'at once');
  await turns();
  assert.deepEqual(dana.ready(), bearer('token-of-dana+'));
  w.facts.now += 11 * minute;
  await dana.ready();
  assert.deepEqual(w.renewals, ['refresh-of-dana', 'refresh-of-dana+']);
});

test('a refresh token that is not replaced is kept, and so are the scopes', async () => {
  const w = world([accountOf('dana')], () => ({ ok: true, token: 'next', lifetime: minute }));
  w.facts.now = 11 * minute;
  await w.of('dana').ready();
  assert.equal(w.disk.get('dana')?.refresh, 'refresh-of-dana');
  assert.deepEqual(w.disk.get('dana')?.scopes, ['read']);
});

test('what was rotated is on disk before it is used; what cannot be stored is not lost and not asked for again', async () => {
  const w = world([accountOf('dana')], rotated);
  const dana = w.of('dana');
  w.facts.now = 11 * minute;
  w.facts.full = true;
  assert.deepEqual(await dana.ready(), { ok: false, problem: 'the disk is full' });
  w.facts.full = false;
  w.facts.now += minute;
  assert.deepEqual(await dana.ready(), bearer('token-of-dana+'));
  assert.equal(w.disk.get('dana')?.refresh, 'refresh-of-dana+');
  assert.equal(w.renewals.length, 1, 'the old refresh token is never shown twice');
});

test('a transient failure leaves the token in use; invalid_grant asks the user', async () => {
  const answers: Granted[] = [
    { ok: false, lasting: false, problem: 'the network' },
    { ok: false, lasting: true, reauthorize: true, error: 'invalid_grant', problem: 'invalid_grant' },
  ];
  const w = world([accountOf('dana')], () => answers.shift() ?? { ok: false, lasting: false, problem: 'no more' });
  const dana = w.of('dana');
  await dana.ready();
  w.facts.now = 9.5 * minute;
  assert.deepEqual(dana.ready(), bearer('token-of-dana'));
  await turns();
  assert.equal(dana.state().state, 'expiring');
  assert.deepEqual(await dana.ready(), bearer('token-of-dana'));
  assert.equal(w.renewals.length, 1, 'and it is not asked again at once');
  w.facts.now = 11 * minute;
  const asked = await dana.ready();
  assert.ok(!asked.ok && asked.prompt !== undefined);
  assert.equal(dana.state().state, 'reauthorize');
  assert.equal(w.disk.size, 0);
});

test('a client that is refused ends what users agreed to only where the gateway has registered it by itself', async () => {
  const refusal: Granted = { ok: false, lasting: true, problem: 'invalid_client', error: 'invalid_client' };
  const registered = { clientId: 'dynamic', method: 'none' } as const;
  for (const [more, kept] of [
    [{}, true],
    [{ clientId: 'dynamic', client: registered }, false],
  ] as const) {
    let answer: Granted = refusal;
    const w = world([accountOf('dana', more)], (account) => (answer === refusal ? answer : rotated(account)));
    w.facts.now = 11 * minute;
    const credential = w.of('dana');
    assert.equal((await credential.ready()).ok, false);
    assert.equal(w.disk.has('dana'), kept);
    assert.equal(credential.state().state, kept ? 'broken' : 'reauthorize');
    // The operator puts the secret right.
    answer = { ok: true, token: 'unused' };
    w.facts.now += minute;
    assert.equal((await credential.ready()).ok, kept);
  }
});

test('16 tokens of another server, or of an authorization server that was agreed to before, are not presented', async () => {
  const w = world([accountOf('dana')], rotated);
  const dana = w.of('dana');
  assert.deepEqual(await dana.ready(), bearer('token-of-dana'));
  w.facts.blocked = 'another authorization server';
  assert.deepEqual(dana.ready(), { ok: false, problem: 'another authorization server' });
  assert.deepEqual(dana.current(), {});
  w.facts.blocked = undefined;
  w.facts.fits = false;
  assert.deepEqual(dana.current(), {});
  const asked = await dana.ready();
  assert.ok(!asked.ok && asked.prompt !== undefined);
  assert.deepEqual(w.renewals, []);
});

test('a token that was refused is renewed once; one that was just made and is refused is not made again at once', async () => {
  const w = world([accountOf('dana')], rotated);
  const dana = w.of('dana');
  const first = await dana.ready();
  assert.ok(first.ok);
  assert.equal(dana.refused(first.headers), true);
  const second = await dana.ready();
  assert.ok(second.ok && second.headers['authorization'] === 'Bearer token-of-dana+');
  assert.equal(w.verified(), 1, 'and the server was asked whose tokens it wants');
  dana.refused(first.headers);
  assert.deepEqual(await dana.ready(), second, 'an old one that is refused late says nothing of the new one');
  dana.refused(second.headers);
  assert.deepEqual(await dana.ready(), {
    ok: false,
    problem: 'the server refuses the token that was just made for it',
  });
  assert.equal(dana.state().state, 'broken');
  assert.equal(w.renewals.length, 1);
});

test('a user is asked for more scopes at most twice for one operation, and never for those that were granted', async () => {
  const w = world([accountOf('dana')], rotated);
  const dana = w.of('dana');
  await dana.ready();
  const wants = (scopes: readonly string[], error = 'insufficient_scope') =>
    dana.insufficient({ error, scopes }, 'tools/call write');
  assert.equal(wants(['read']), undefined);
  assert.equal(wants(['write'], 'invalid_token'), undefined);
  assert.ok(wants(['read', 'write']));
  assert.ok(wants(['read', 'write']), 'the same question again, as it was not answered');
  assert.deepEqual(w.prompts, [['write'], ['write']]);
  dana.connected(accountOf('dana', { token: 'two' }));
  assert.ok(wants(['write']));
  dana.connected(accountOf('dana', { token: 'three' }));
  assert.equal(wants(['write']), undefined);
  assert.ok(dana.insufficient({ error: 'insufficient_scope', scopes: ['write'] }, 'tools/call other'));
});

test('what another process of the gateway has renewed is taken over, and what it removed is gone', async () => {
  const w = world([accountOf('dana')], rotated);
  const [here, there] = [w.of('dana'), w.of('dana')];
  await Promise.all([here.ready(), there.ready()]);
  w.facts.now = 11 * minute;
  assert.deepEqual(await there.ready(), bearer('token-of-dana+'));
  assert.deepEqual(await here.ready(), bearer('token-of-dana+'));
  assert.equal(w.renewals.length, 1, 'one refresh token is never used twice');
  w.disk.clear();
  w.facts.now += 11 * minute;
  const asked = await here.ready();
  assert.ok(!asked.ok && asked.prompt !== undefined);
  assert.equal(w.renewals.length, 1);
});
