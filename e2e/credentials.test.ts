/** What servers get to see: the gateway's own credentials, of every kind, and never those of a caller. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { sendEvents, sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { startAuthorizationServer } from './authorization-server.ts';
import { type Gateway, startGateway } from './harness.ts';
import { startIssuer } from './issuer.ts';
import { patienceMs, runToEnd } from './process.ts';

const connections = [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }];

function gatewayWith(server: object, rest: object = {}, env: Record<string, string> = {}): Promise<Gateway> {
  return startGateway(
    { callers: { agents: { bot: {}, other: {} } }, servers: { notes: server }, connections, ...rest },
    { env },
  );
}

/** One gateway with a server for each credential, under its name. */
function gatewayOf(servers: Readonly<Record<string, object>>, env: Record<string, string>): Promise<Gateway> {
  const to = Object.keys(servers);
  return startGateway(
    { callers: { agents: { bot: {}, other: {} } }, servers, connections: connections.map((each) => ({ ...each, to })) },
    { env },
  );
}

const headers = { 'X-Tenant': '${env:H}', Cookie: 'a=plain-text; session=${env:H2}' };

/** What needs no authorization server, behind one gateway. */
const plain = {
  bearer: { credential: { bearer: '${env:S}' } },
  header: { credential: { apiKey: { header: 'X-Api-Key', value: '${env:S}' } } },
  basic: { credential: { basic: { user: 'me', password: '${env:S}' } } },
  headers: { headers },
  'headers-one': { headers, credential: { bearer: '${env:S}' } },
  'headers-tiers': { headers, credentials: [{ for: { tier: 'read' }, bearer: '${env:S}' }] },
  tiers: {
    tools: { open: { tier: 'read' }, write: { tier: 'write' } },
    credential: { bearer: '${env:READ}' },
    credentials: [
      { for: { tier: 'write', agent: 'bot' }, bearer: '${env:WRITE}' },
      { for: { agent: 'other' }, bearer: '${env:OTHER}' },
    ],
  },
};
const secrets = {
  S: 's3cret-s3cret',
  H: 's3cret-header',
  H2: 's3cret-cookie',
  READ: 'read-only',
  WRITE: 'may-write',
  OTHER: 'for-other',
};
let witness: Witness;
/** Of the server with tiers. */
let tiered: Witness;
let shared: Gateway;

before(async () => {
  witness = await startWitness([{ name: 'open' }]);
  tiered = await startWitness([{ name: 'open' }, { name: 'write' }]);
  const servers = Object.entries(plain).map(([name, server]) => [
    name,
    { url: (name === 'tiers' ? tiered : witness).url, ...server },
  ]);
  shared = await gatewayOf(Object.fromEntries(servers), secrets);
});
after(async () => {
  await shared.stop();
  await witness[Symbol.asyncDispose]();
  await tiered[Symbol.asyncDispose]();
});

function call(gateway: Gateway, credential: string, tool = 'open', server = 'notes'): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint(server),
    headers: [...modernHeaders('tools/call', tool), ['Authorization', `Bearer ${credential}`]],
    body: modernCall(tool),
  });
}

const bearerOf = (witness: Witness, index: number): string =>
  (witness.calls()[index]?.headers.authorization ?? '').replace('Bearer ', '');

test('bearer, key in a header, basic: each arrives as it should, and nothing of the caller does', async () => {
  const key = shared.key('bot');
  for (const [server, name, value] of [
    ['bearer', 'authorization', 'Bearer s3cret-s3cret'],
    ['header', 'x-api-key', 's3cret-s3cret'],
    ['basic', 'authorization', `Basic ${btoa('me:s3cret-s3cret')}`],
  ] as const) {
    witness.forget();
    assert.equal((await call(shared, key, 'open', server)).status, 200);
    assert.equal(witness.calls()[0]?.headers[name], value);
    assert.ok(!JSON.stringify(witness.calls()).includes(key));
  }
});

test('a server that echoes our credential, in its error or in its result, gives nothing away', async () => {
  const key = shared.key('bot');
  for (const body of [
    { error: { code: -32_000, message: 'bad token Bearer s3cret-s3cret', data: { sent: ['s3cret-s3cret'] } } },
    { result: { resultType: 'complete', isError: true, content: [{ type: 'text', text: 'token s3cret-s3cret' }] } },
    { result: { resultType: 'complete', content: [{ type: 'text', text: '{"authorization":"s3cret-s3cret"}' }] } },
  ]) {
    witness.answer('open', (response, { message }) => sendJson(response, { jsonrpc: '2.0', id: message.id, ...body }));
    const answer = await call(shared, key, 'open', 'bearer');
    assert.match(answer.body, /\(hidden\)/);
    assert.doesNotMatch(answer.body, /s3cret/);
  }
});

test('secrets in fixed headers do not come back out of the server, with a credential beside them or without', async () => {
  const asked = JSON.parse(modernCall('open')) as { readonly params: { readonly _meta: Record<string, unknown> } };
  asked.params._meta['progressToken'] = 'mine';
  const key = shared.key('bot');
  for (const server of ['headers', 'headers-one', 'headers-tiers']) {
    for (const body of [
      (sent: string) => ({ error: { code: -32_000, message: `I was sent ${sent}`, data: { [sent]: [sent] } } }),
      (sent: string) => ({
        result: { resultType: 'complete', content: [{ type: 'text', text: `I was sent ${sent}` }] },
      }),
    ]) {
      witness.answer('open', (response, { message, headers: seen }) => {
        const sent = `${String(seen['x-tenant'])} ${seen.cookie}`;
        assert.equal(sent, 's3cret-header a=plain-text; session=s3cret-cookie');
        const beside = { progressToken: message.id, progress: 1, message: `I was sent ${sent}` };
        sendEvents(
          response,
          [
            { method: 'notifications/progress', params: beside },
            { id: message.id, ...body(sent) },
          ]
            .map((each) => `data: ${JSON.stringify({ jsonrpc: '2.0', ...each })}\n\n`)
            .join(''),
        );
      });
      const answer = await sendRaw({
        url: shared.endpoint(server),
        headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
        body: JSON.stringify(asked),
      });
      // Once in the message beside the call. What stands in the file as it is, is no secret.
      const shown = answer.body.split('I was sent (hidden) a=plain-text; session=(hidden)').length - 1;
      assert.equal(shown, 2, answer.body);
      assert.doesNotMatch(answer.body, /s3cret/);
    }
  }
});

test('a credential for each tier', async () => {
  const key = shared.key('bot');
  const other = shared.key('other');
  await call(shared, key, 'open', 'tiers');
  await call(shared, key, 'write', 'tiers');
  await call(shared, other, 'write', 'tiers');
  await call(shared, key, 'open', 'tiers');
  assert.deepEqual(
    tiered.calls().map(({ headers }) => headers.authorization),
    ['Bearer read-only', 'Bearer may-write', 'Bearer for-other', 'Bearer read-only'],
  );
});

test('client credentials at a real authorization server: a secret, one token for all, a new one after a 401', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using server = await startAuthorizationServer({
    clients: [
      {
        client_id: 'gateway',
        client_secret: 'a:b+c/%d',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
  });
  await using gateway = await gatewayWith(
    {
      url: witness.url,
      credential: {
        clientCredentials: {
          issuer: server.issuer,
          clientId: 'gateway',
          clientSecret: '${env:S}',
          scopes: ['tools:read'],
        },
      },
    },
    {},
    { S: 'a:b+c/%d' },
  );
  const key = gateway.key('bot');
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(gateway, key)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]), gateway.errors());
  assert.deepEqual(server.grants, ['client_credentials']);
  const claims = decodeJwt(bearerOf(witness, 0));
  assert.equal(claims.aud, witness.url, 'for this server');
  assert.equal(claims['scope'], 'tools:read');

  let refusals = 1;
  witness.answer('open', (response, { message }) => {
    if (refusals-- > 0) return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', content: [] } });
  });
  const before = bearerOf(witness, 0);
  witness.forget();
  const again = await call(gateway, key);
  assert.equal(again.json?.result?.['isError'], undefined, again.body);
  assert.equal(server.grants.length, 2);
  assert.equal(bearerOf(witness, 0), before);
  assert.notEqual(bearerOf(witness, 1), before, 'the retry carries the new token');
  refusals = 5;
  const refused = await call(gateway, key);
  assert.match(refused.body, /cannot be reached/);
  assert.equal(server.grants.length, 3, 'one retry, and no more');
});

test('client credentials with private_key_jwt, in PEM and as JWK', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const client = (id: string, jwk: object) => ({
    client_id: id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [jwk] },
  });
  await using server = await startAuthorizationServer({
    clients: [client('pem', pem.publicKey.export({ format: 'jwk' })), client('jwk', await exportJWK(publicKey))],
  });
  const { issuer } = server;
  const credentialOf = (clientId: string, privateKey: string): object => ({
    url: witness.url,
    credential: { clientCredentials: { issuer, clientId, privateKey } },
  });
  await using gateway = await gatewayOf(
    { pem: credentialOf('pem', '${env:PEM}'), jwk: credentialOf('jwk', '${env:JWK}') },
    {
      PEM: pem.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      JWK: JSON.stringify(await exportJWK(privateKey)),
    },
  );
  const key = gateway.key('bot');
  for (const clientId of ['pem', 'jwk']) {
    witness.forget();
    assert.equal((await call(gateway, key, 'open', clientId)).status, 200);
    assert.equal(decodeJwt(bearerOf(witness, 0))['client_id'], clientId, gateway.errors());
  }
});

test('token exchange: each user gets a token of its own, made from the one it presented', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  const exchanges: URLSearchParams[] = [];
  issuer.on('/token', (request, response, body) => {
    const form = new URLSearchParams(body);
    assert.equal(request.headers.authorization, `Basic ${btoa('gateway:exchange-secret')}`);
    if (form.get('grant_type') === 'client_credentials')
      return sendJson(response, { access_token: 'actor-token', token_type: 'Bearer', expires_in: 600 });
    exchanges.push(form);
    const { sub } = decodeJwt(form.get('subject_token') ?? '');
    if (sub === 'gone') return sendJson(response, { error: 'invalid_grant' }, 400);
    sendJson(response, {
      access_token: `for-${sub}`,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 600,
    });
  });
  await using gateway = await gatewayWith(
    {
      url: witness.url,
      credential: {
        tokenExchange: {
          tokenUrl: `${issuer.issuer}/token`,
          clientId: 'gateway',
          clientSecret: '${env:S}',
          actor: true,
          scopes: ['notes:read'],
        },
      },
    },
    { authentication: { issuers: { main: { issuer: issuer.issuer } } } },
    { S: 'exchange-secret' },
  );
  const aud = gateway.endpoint('notes');
  const tokens = new Map<string, string>();
  for (const sub of ['dana', 'eve']) tokens.set(sub, await issuer.sign({ aud, sub }));
  const users = ['dana', 'eve', 'dana', 'eve', 'dana', 'eve'];
  await Promise.all(users.map((user) => call(gateway, tokens.get(user) ?? '')));
  assert.equal(exchanges.length, 2, 'one for each user');
  assert.deepEqual(
    witness
      .calls()
      .map(({ headers }) => headers.authorization ?? '')
      .toSorted((a, b) => a.localeCompare(b)),
    ['Bearer for-dana', 'Bearer for-dana', 'Bearer for-dana', 'Bearer for-eve', 'Bearer for-eve', 'Bearer for-eve'],
  );
  const [first] = exchanges;
  assert.equal(first?.get('resource'), witness.url);
  assert.equal(first?.get('actor_token'), 'actor-token');
  assert.equal(first?.get('scope'), 'notes:read');
  for (const inbound of tokens.values()) assert.ok(!JSON.stringify(witness.calls()).includes(inbound));

  const gone = await call(gateway, await issuer.sign({ aud, sub: 'gone' }));
  assert.match(gone.body, /cannot be reached/);
  assert.doesNotMatch(gone.body, /invalid_grant/);
  const key = await call(gateway, gateway.key('bot'));
  assert.match(key.body, /cannot be reached/, 'an API key is nothing that could be exchanged');

  const deadline = Date.now() + patienceMs;
  let listed = '';
  // The report is written once a second.
  while (!listed.includes('reauthorize') && Date.now() < deadline)
    listed = (
      await runToEnd({
        command: [process.execPath, 'gateway/bin/sallyport.js', 'server', 'list', '--config', gateway.config],
        env: { S: 'x' },
      })
    ).stdout;
  assert.match(listed, /credential {2}user:dana agent:bot {2}connected/);
  assert.match(listed, /credential {2}user:gone agent:bot {2}reauthorize/);
});
