import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration as schema } from '../../../config/schema/index.ts';
import type { Fetch } from '../../../egress/fetch.ts';
import { signIns } from './sign-in.ts';

const issuer = 'https://issuer.example';

async function begin(page: string): Promise<boolean> {
  const configuration = schema.parse({
    version: 1,
    authentication: { issuers: { main: { issuer, signIn: { clientId: 'gateway' } } } },
  });
  const metadata = {
    issuer,
    authorization_endpoint: page,
    token_endpoint: `${issuer}/token`,
    code_challenge_methods_supported: ['S256'],
  };
  const fetch: Fetch = () => Promise.resolve({ ok: true, status: 200, headers: {}, text: JSON.stringify(metadata) });
  const begun = await signIns(configuration, () => assert.fail('no key is asked for'), fetch).begin(
    'main',
    'https://gateway.example/connect/signed-in',
  );
  return begun.ok;
}

test('people are sent to sign in over https, or on this machine, and nowhere else', async () => {
  for (const page of [`${issuer}/authorize`, 'http://127.0.0.1:9/authorize', 'http://[::1]:9/a', 'http://localhost/a'])
    assert.equal(await begin(page), true, page);
  for (const page of [
    'http://issuer.example/authorize',
    'http://127.0.0.1.example/a',
    'http://10.0.0.1/a',
    'ftp://localhost/a',
  ])
    assert.equal(await begin(page), false, page);
});
