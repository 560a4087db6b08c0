/** What was exchanged for one credential of a caller is presented with no other one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { startIssuer } from '../issuer.ts';

function call(gateway: Gateway, credential: string): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint('notes'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${credential}`]],
    body: modernCall('open'),
  });
}

test('A8: neither a key nor a weaker token of the same caller acts with what its strong token was exchanged for', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  issuer.on('/token', (_request, response, body) => {
    const [, claims = ''] = (new URLSearchParams(body).get('subject_token') ?? '').split('.');
    const { scope } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { scope: string };
    if (scope === 'nothing') return sendJson(response, { error: 'invalid_scope' }, 400);
    sendJson(response, {
      access_token: `exchanged-for-${scope}`,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 600,
    });
  });
  await using gateway = await startGateway(
    {
      authentication: { issuers: { main: { issuer: issuer.issuer } } },
      callers: { users: { dana: {} }, agents: { bot: {} } },
      servers: {
        notes: {
          url: witness.url,
          credential: {
            tokenExchange: { tokenUrl: `${issuer.issuer}/token`, clientId: 'gateway', clientSecret: '${env:S}' },
          },
        },
      },
      connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
    },
    { env: { S: 'exchange-secret' } },
  );
  const aud = gateway.endpoint('notes');
  const tokenWith = (scope: string): Promise<string> => issuer.sign({ aud, scope, jti: scope });
  const [strong, weak, useless] = await Promise.all([
    tokenWith('everything'),
    tokenWith('little'),
    tokenWith('nothing'),
  ]);
  const keys = [gateway.key({ user: 'dana', agent: 'bot' }), gateway.key({ user: 'dana' })];
  const presented = async (credential: string): Promise<string | undefined> => {
    witness.forget();
    const { body } = await call(gateway, credential);
    const [seen] = witness.calls();
    if (seen === undefined) assert.match(body, /cannot be reached/, body);
    return seen?.headers.authorization;
  };
  // Twice, so that what is kept of each call could serve the next one.
  for (let round = 0; round < 2; round++) {
    assert.equal(await presented(strong), 'Bearer exchanged-for-everything');
    assert.equal(await presented(weak), 'Bearer exchanged-for-little');
    assert.equal(await presented(useless), undefined);
    for (const key of keys) assert.equal(await presented(key), undefined);
  }
  // All at once, while tokens are on their way: what one waits for is not what another gets.
  const fresh = await Promise.all(['write', 'read', 'nothing'].map(tokenWith));
  witness.forget();
  await Promise.all([...fresh, ...keys].map((credential) => call(gateway, credential)));
  assert.deepEqual(
    witness
      .calls()
      .map(({ headers }) => headers.authorization ?? '')
      .toSorted((a, b) => a.localeCompare(b)),
    ['Bearer exchanged-for-read', 'Bearer exchanged-for-write'],
  );
});
