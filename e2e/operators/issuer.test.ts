/** Operators who sign in at an issuer: the user that it names, or one by its groups, in the browser that went there. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { type Authorizing, back, startAuthorizing } from '../attacks/authorizing.ts';
import { Browser, type Shown } from '../browser.ts';
import { until } from '../until.ts';
import { startWorld, type World } from './world.ts';

test('an issuer signs in the operator that its user is, in the browser that went there', async (t) => {
  await using corp = await startAuthorizing();
  await using world = await startWorld(
    {},
    {
      authentication: {
        issuers: { corp: { issuer: corp.issuer, prefix: 'corp/', signIn: { clientId: 'sallyport' } } },
      },
    },
  );
  await world.operator('erin', '--user', 'corp/dana');
  const attempt = (claims: Claims = {}, iss = corp.issuer) => signIn(corp, world, claims, iss);
  await t.test('others, and what is not for this sign-in, are refused', async () => {
    for (const [claims, iss] of [
      [{ sub: 'eve' }],
      [{ nonce: 'of another sign-in' }],
      [{ aud: 'another-client' }],
      [{ exp: 1 }],
      [{}, 'https://elsewhere.example'],
    ] as const) {
      const { shown } = await attempt(claims, iss);
      assert.equal(shown.status, 403, JSON.stringify(claims) + shown.body);
    }
  });
  await t.test('its own user is the operator', async () => {
    const { shown } = await attempt();
    assert.match(shown.body, /erin, approver/);
    assert.equal(shown.url.pathname, '/approvals');
  });
  await t.test('another browser gets nothing of it', async () => {
    const browser = new Browser();
    const page = await browser.open(`${world.base}/sign-in`);
    const left = await browser.submit(page, '/sign-in/issuer');
    const url = /^0;url=(.*)$/.exec(left.headers.get('refresh') ?? '')?.[1] ?? assert.fail(left.body);
    const thief = await new Browser().open(url);
    assert.equal(thief.status, 403);
    assert.match(thief.body, /begun elsewhere/);
  });
});

test('groups of an issuer make operators, for as long as the issuer and the configuration say so', async (t) => {
  await using corp = await startAuthorizing();
  const groups = [
    { issuer: 'corp', group: 'sre', role: 'administrator' },
    { issuer: 'corp', group: 'on-call', role: 'approver', servers: ['things'] },
  ];
  await using world = await startWorld(
    { by: { role: 'approver' } },
    {
      authentication: {
        issuers: {
          corp: { issuer: corp.issuer, prefix: 'corp/', unknown: 'accept', signIn: { clientId: 'sallyport' } },
        },
      },
      console: { groups },
    },
  );
  const attempt = (claims: Claims) => signIn(corp, world, claims, corp.issuer);
  const listed = async () => {
    const { stdout } = await world.sallyport('operator', 'list', '--json');
    const { operators } = JSON.parse(stdout) as { operators: readonly Readonly<Record<string, unknown>>[] };
    return operators.map(({ name, role, servers, revokedAt }) => ({
      name,
      role,
      servers,
      isOver: revokedAt !== undefined,
    }));
  };
  const onCall = { sub: 'pat', groups: ['staff', 'on-call'] };

  await t.test('who has none of the groups is no operator', async () => {
    assert.equal((await attempt({ sub: 'eve', groups: ['staff', 'SRE'] })).shown.status, 403);
    assert.equal((await attempt({ sub: 'eve' })).shown.status, 403);
    assert.deepEqual(await listed(), []);
  });
  let session = new Browser();
  await t.test('who has one is an operator with its role and servers', async () => {
    const { shown, browser } = await attempt(onCall);
    assert.match(shown.body, /corp\/pat, approver/);
    assert.deepEqual(await listed(), [{ name: 'corp/pat', role: 'approver', servers: ['things'], isOver: false }]);
    session = browser;
  });
  await t.test('it has no tokens, and its role is not changed by hand', async () => {
    const token = await world.sallyport('operator', 'token', 'corp/pat');
    assert.match(token.stderr, /an operator by a group, which has no tokens/);
    const change = await world.sallyport('operator', 'change', 'corp/pat', '--role', 'administrator');
    assert.match(change.stderr, /its group says what it may do/);
  });
  await t.test('another role holds from the next sign-in on', async () => {
    await attempt({ ...onCall, groups: ['sre', 'on-call'] });
    assert.deepEqual(await listed(), [{ name: 'corp/pat', role: 'administrator', servers: undefined, isOver: false }]);
    await attempt(onCall);
  });
  await t.test('a sign-in without the group ends its sessions', async () => {
    assert.equal((await attempt({ ...onCall, groups: [] })).shown.status, 403);
    const shown = await session.open(`${world.base}/approvals`);
    assert.match(shown.url.pathname, /sign-in/);
    assert.equal((await listed())[0]?.isOver, true);
    assert.equal((await attempt(onCall)).shown.status, 200, 'and the group brings it back');
  });
  await t.test('an approval that its operator gave counts no more once the entry of its group is gone', async () => {
    const id = await world.held('by a group');
    const { browser } = await attempt(onCall);
    const page = await browser.open(`${world.base}/approvals/${id}`);
    await browser.submit(page, `/approvals/${id}/approve`);
    assert.match((await browser.open(`${world.base}/approvals/${id}`)).body, /approved, /);
    const written = JSON.parse(await readFile(world.gateway.config, 'utf8')) as Readonly<Record<string, unknown>>;
    await writeFile(world.gateway.config, JSON.stringify({ ...written, console: { groups: groups.slice(0, 1) } }));
    await until(async () => (await listed())[0]?.isOver === true, 'the configuration to be taken over');
    const shown = await browser.open(`${world.base}/approvals`);
    assert.match(shown.url.pathname, /sign-in/, 'its session is over');
    const { text } = await world.session.call('echo', { message: 'by a group' });
    assert.match(text, /withdrawn|is over/, text);
  });
  await t.test('one that was revoked by a person stays revoked', async () => {
    assert.equal((await attempt({ sub: 'lee', groups: ['sre'] })).shown.status, 200);
    assert.equal((await attempt({ sub: 'auth0|5f3c', groups: ['sre'] })).shown.status, 200, 'whatever issuers call it');
    await world.operator('root', '--role', 'administrator');
    const { stderr } = await world.sallyport('operator', 'revoke', 'corp/lee');
    assert.equal(stderr, '');
    assert.equal((await attempt({ sub: 'lee', groups: ['sre'] })).shown.status, 403);
  });
});

type Claims = Readonly<Record<string, unknown>>;

/** Goes to the issuer and back in a browser of its own; the issuer says `claims`. */
async function signIn(
  corp: Authorizing,
  world: World,
  claims: Claims,
  iss: string,
): Promise<{ readonly browser: Browser; readonly shown: Shown }> {
  corp.leave = (query) => back(query, { code: 'c', iss });
  corp.grant = async () => ({
    access_token: 'of-no-use-here',
    token_type: 'Bearer',
    id_token: await corp.sign(
      { aud: 'sallyport', client_id: undefined, nonce: corp.asked.at(-1)?.get('nonce') ?? '', ...claims },
      { typ: 'JWT' },
    ),
  });
  const browser = new Browser();
  const page = await browser.open(`${world.base}/sign-in?next=/approvals`);
  const left = await browser.submit(page, '/sign-in/issuer');
  const url = /^0;url=(.*)$/.exec(left.headers.get('refresh') ?? '')?.[1] ?? assert.fail(left.body);
  return { browser, shown: await browser.open(url) };
}
