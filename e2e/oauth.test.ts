/** The whole way of a client that knows only a URL, with a real authorization server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { startWitness } from './attacks/witness.ts';
import { startAuthorizationServer } from './authorization-server.ts';
import { startGateway } from './harness.ts';
import { openOAuthSession } from './oauth-client.ts';

test('an SDK client discovers, authorizes, calls, steps up its scopes, and calls again', async () => {
  await using server = await startAuthorizationServer();
  await using witness = await startWitness([{ name: 'open' }, { name: 'write' }]);
  await using gateway = await startGateway({
    authentication: { issuers: { main: { issuer: server.issuer } }, scopesSupported: ['tools:read'] },
    callers: { users: { dana: {} } },
    servers: { notes: { url: witness.url }, other: { url: witness.url } },
    connections: [
      {
        name: 'dana',
        from: { user: 'dana' },
        to: ['notes', 'other'],
        tools: [
          { allow: 'open', scopes: 'tools:read' },
          { allow: 'write', scopes: ['tools:read', 'tools:write'] },
        ],
      },
    ],
  });
  await using session = await openOAuthSession(gateway.endpoint('notes'));
  assert.match(JSON.stringify(await session.call('open')), /the witness was called/);
  // The client adds offline_access by itself, as it can keep a refresh token.
  assert.deepEqual(server.asked, [{ scope: 'tools:read offline_access', resource: gateway.endpoint('notes') }]);
  const first = session.accessToken();

  assert.match(JSON.stringify(await session.call('write')), /the witness was called/);
  assert.equal(session.visits(), 2, 'one more visit to the authorization server');
  const [, again] = server.asked;
  assert.deepEqual(again?.scope?.split(' ').toSorted(), ['offline_access', 'tools:read', 'tools:write']);
  assert.notEqual(session.accessToken(), first);

  const elsewhere = await sendRaw({
    url: gateway.endpoint('other'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${session.accessToken()}`]],
    body: modernCall('open'),
  });
  assert.equal(elsewhere.status, 401, 'the same token at another server');
  assert.equal(witness.calls().length, 2);
});
