/** Enterprise-managed authorization and workload identity: grants that rest on an assertion of a third party. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import { temporaryFolder } from '../gateway/test/support/folder.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { type Gateway, startGateway } from './harness.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { runToEnd } from './process.ts';
import { startResourceAuthorizationServer } from './resource-authorization-server.ts';

const idJag = 'urn:ietf:params:oauth:token-type:id-jag';

interface Change {
  claims?: Readonly<Record<string, unknown>>;
  header?: Readonly<Record<string, unknown>>;
  answer?: Readonly<Record<string, unknown>>;
}

function call(gateway: Gateway, token: string): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint('notes'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${token}`]],
    body: modernCall('open'),
  });
}

/** Exchanges tokens of its users for assertions, as strictly as the extension asks; `change` makes them wrong. */
function exchanging(provider: Issuer, change: Change = {}) {
  const exchanges: URLSearchParams[] = [];
  let count = 0;
  provider.on('/token', async (request, response, body) => {
    const form = new URLSearchParams(body);
    exchanges.push(form);
    assert.equal(request.headers.authorization, `Basic ${btoa('gateway-at-idp:idp-secret')}`);
    assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:token-exchange');
    assert.equal(form.get('requested_token_type'), idJag);
    assert.equal(form.get('subject_token_type'), 'urn:ietf:params:oauth:token-type:access_token');
    const [, claims = ''] = (form.get('subject_token') ?? '').split('.');
    const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string };
    if (sub === 'gone') return sendJson(response, { error: 'invalid_grant' }, 400);
    count += 1;
    const assertion = await provider.sign(
      {
        sub,
        aud: form.get('audience'),
        resource: form.get('resource'),
        client_id: 'gateway-at-as',
        jti: `assertion-${count}`,
        ...change.claims,
      },
      { typ: 'oauth-id-jag+jwt', ...change.header },
    );
    sendJson(response, { access_token: assertion, issued_token_type: idJag, token_type: 'N_A', ...change.answer });
  });
  return exchanges;
}

async function gatewayFor(provider: Issuer, issuer: string, witness: Witness, key: string): Promise<Gateway> {
  provider.metadata = { ...provider.metadata, token_endpoint: `${provider.issuer}/token` };
  return startGateway(
    {
      authentication: { issuers: { corp: { issuer: provider.issuer } } },
      servers: {
        notes: {
          url: witness.url,
          credential: {
            idJag: {
              provider: { issuer: provider.issuer, clientId: 'gateway-at-idp', clientSecret: '${env:IDP_SECRET}' },
              issuer,
              clientId: 'gateway-at-as',
              privateKey: '${env:AS_KEY}',
              scopes: ['notes:read'],
            },
          },
        },
      },
      connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
    },
    { env: { IDP_SECRET: 'idp-secret', AS_KEY: key } },
  );
}

async function clientKeys() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const client = {
    client_id: 'gateway-at-as',
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [await exportJWK(publicKey)] },
  };
  return { client, key: JSON.stringify(await exportJWK(privateKey)) };
}

const stateOf = async (gateway: Gateway): Promise<string> =>
  (
    await runToEnd({
      command: [process.execPath, 'gateway/bin/sallyport.js', 'server', 'list', '--config', gateway.config],
      env: { IDP_SECRET: 'x', AS_KEY: 'x' },
    })
  ).stdout;

test('each caller gets a token of its own, for which its identity provider vouched', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using provider = await startIssuer();
  const exchanges = exchanging(provider);
  const { client, key } = await clientKeys();
  await using server = await startResourceAuthorizationServer(provider, 'oauth-id-jag+jwt', [client]);
  await using gateway = await gatewayFor(provider, server.issuer, witness, key);
  const aud = gateway.endpoint('notes');
  const tokens = await Promise.all(['dana', 'eve'].map((sub) => provider.sign({ aud, sub })));
  const answers = await Promise.all([...tokens, ...tokens, ...tokens].map((token) => call(gateway, token)));
  for (const answer of answers) assert.match(answer.body, /the witness was called/, gateway.errors());
  assert.equal(exchanges.length, 2, 'one for each caller, however many calls wait');
  assert.deepEqual(new Set(server.assertions.map(({ sub }) => sub)), new Set(['dana', 'eve']));
  for (const exchange of exchanges) {
    assert.equal(exchange.get('audience'), server.issuer);
    assert.equal(exchange.get('resource'), witness.url);
    assert.equal(exchange.get('scope'), 'notes:read');
  }
  const seen = witness.calls().map(({ headers }) => headers.authorization);
  assert.equal(new Set(seen).size, 2);
  for (const token of tokens) assert.ok(!JSON.stringify(witness.calls()).includes(token));

  const gone = await call(gateway, await provider.sign({ aud, sub: 'gone' }));
  assert.match(gone.body, /cannot be reached/);
  assert.doesNotMatch(gone.body, /invalid_grant|identity provider/);
  assert.match(await listedWith(gateway, 'reauthorize'), /credential {2}user:gone agent:bot {2}reauthorize/);
  assert.match(await stateOf(gateway), /credential {2}user:dana agent:bot {2}connected/);
});

/** The report is written once a second. */
async function listedWith(gateway: Gateway, word: string): Promise<string> {
  const deadline = Date.now() + 10_000;
  let listed = '';
  while (!listed.includes(word) && Date.now() < deadline) listed = await stateOf(gateway);
  return listed;
}

test('what an identity provider issued is looked at before it is handed over', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const { client, key } = await clientKeys();
  await using provider = await startIssuer();
  const change: Change = {};
  exchanging(provider, change);
  await using server = await startResourceAuthorizationServer(provider, 'oauth-id-jag+jwt', [client]);
  await using gateway = await gatewayFor(provider, server.issuer, witness, key);
  const aud = gateway.endpoint('notes');
  const past = Math.floor(Date.now() / 1000) - 10;
  const wrong: readonly (readonly [Change, string])[] = [
    [{ header: { typ: 'JWT' } }, 'a JWT of another type'],
    [{ header: { typ: 'at+jwt' } }, 'a JWT of another type'],
    [{ claims: { aud: 'https://elsewhere.example' } }, 'for another authorization server'],
    [{ claims: { aud: undefined } }, 'for another authorization server'],
    [{ claims: { aud: [server.issuer, 'https://elsewhere.example'] } }, 'for another authorization server'],
    [{ claims: { client_id: 'another-client' } }, 'for another client'],
    [{ claims: { resource: 'https://elsewhere.example/mcp' } }, 'for another resource'],
    [{ claims: { iss: 'https://elsewhere.example' } }, 'its issuer is another one'],
    [{ claims: { exp: past } }, 'it is over'],
    [{ answer: { access_token: 'opaque' } }, 'it is no JWT'],
    [{ answer: { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' } }, 'it is of another type'],
    [{ answer: { token_type: 'Bearer' } }, 'of a type that the gateway does not speak'],
  ];
  for (const [index, [how, problem]] of wrong.entries()) {
    Object.assign(change, { claims: undefined, header: undefined, answer: undefined }, how);
    // A user of its own each time: the failure of another one is not asked for again at once.
    const sub = `user-${index}`;
    const answer = await call(gateway, await provider.sign({ aud, sub }));
    assert.match(answer.body, /cannot be reached/);
    assert.ok(!answer.body.includes(problem));
    const logged = gateway.errors().split('\n').at(-2) ?? '';
    assert.ok(logged.includes(problem), `${JSON.stringify(how)}: ${logged}`);
  }
  assert.deepEqual(server.assertions, [], 'the authorization server accepted nothing');
  assert.deepEqual(witness.calls(), []);
});

test('workload identity: the JWT in a file becomes a token, and the next one is read when the file changes', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using platform = await startIssuer();
  const client = { client_id: 'workload', token_endpoint_auth_method: 'none' };
  await using server = await startResourceAuthorizationServer(platform, 'JWT', [client]);
  const jwt = (jti: string) => platform.sign({ sub: 'gateway', aud: server.issuer, jti }, { typ: 'JWT' });
  const folder = temporaryFolder('wif');
  const file = join(folder, 'token');
  await writeFile(file, `${await jwt('one')}\n`, { mode: 0o600 });
  await using gateway = await startGateway({
    callers: { agents: { bot: {} } },
    servers: {
      notes: {
        url: witness.url,
        credential: {
          workloadIdentity: { issuer: server.issuer, clientId: 'workload', assertion: `\${file:${file}}` },
        },
      },
    },
    connections: [{ name: 'all', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  });
  const key = gateway.key('bot');
  assert.match((await call(gateway, key)).body, /the witness was called/, gateway.errors());
  assert.deepEqual(
    server.assertions.map(({ jti }) => jti),
    ['one'],
  );
  const [first] = witness.calls();
  await writeFile(file, await jwt('two'));
  const deadline = Date.now() + 15_000;
  while (server.assertions.length < 2 && Date.now() < deadline) await call(gateway, key);
  assert.deepEqual(
    server.assertions.map(({ jti }) => jti),
    ['one', 'two'],
  );
  assert.notEqual(witness.calls().at(-1)?.headers.authorization, first?.headers.authorization);
});
