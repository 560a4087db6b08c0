/** Operators who sign in at an issuer: the user that it names, in the browser that went there, and no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { back, startAuthorizing } from '../attacks/authorizing.ts';
import { Browser, type Shown } from '../browser.ts';
import { startWorld } from './world.ts';

test('an issuer signs in the operator that its user is, in the browser that went there', {
  timeout: 90_000,
}, async (t) => {
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
  const attempt = async (
    claims: Readonly<Record<string, unknown>> = {},
    iss = corp.issuer,
  ): Promise<{ readonly browser: Browser; readonly shown: Shown }> => {
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
  };
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
