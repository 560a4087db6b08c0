/** Enterprise-managed authorization and workload identity: grants that rest on an assertion of a third party. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { temporaryFolder } from '../gateway/test/support/folder.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { type Gateway, startGateway } from './harness.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { patienceMs } from './process.ts';
import { type ResourceAuthorizationServer, startResourceAuthorizationServer } from './resource-authorization-server.ts';

const idJag = 'urn:ietf:params:oauth:token-type:id-jag';

interface Change {
  claims?: Readonly<Record<string, unknown>>;
  header?: Readonly<Record<string, unknown>>;
  answer?: Readonly<Record<string, unknown>>;
}

function call(server: string, token: string): Promise<RawAnswer> {
  return sendRaw({
    url: gateway.endpoint(server),
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

/** A server, the provider that vouches for its callers, and the authorization server that gives its tokens. */
interface World {
  readonly witness: Witness;
  readonly provider: Issuer;
  readonly exchanges: readonly URLSearchParams[];
  /** Makes its assertions wrong. */
  readonly change: Change;
  readonly server: ResourceAuthorizationServer;
}

const stack = new AsyncDisposableStack();

async function startWorld(client: object): Promise<World> {
  const witness = stack.use(await startWitness([{ name: 'open' }]));
  const provider = stack.use(await startIssuer());
  provider.metadata = { ...provider.metadata, token_endpoint: `${provider.issuer}/token` };
  const change: Change = {};
  const exchanges = exchanging(provider, change);
  const server = stack.use(await startResourceAuthorizationServer(provider, 'oauth-id-jag+jwt', [client]));
  return { witness, provider, exchanges, change, server };
}

/** Of the workload: what its platform issues, where its token comes from, and the file with the JWT. */
interface Workload {
  readonly witness: Witness;
  readonly platform: Issuer;
  readonly server: ResourceAuthorizationServer;
  readonly file: string;
}

async function startWorkload(): Promise<Workload> {
  const witness = stack.use(await startWitness([{ name: 'open' }]));
  const platform = stack.use(await startIssuer());
  const client = { client_id: 'workload', token_endpoint_auth_method: 'none' };
  const server = stack.use(await startResourceAuthorizationServer(platform, 'JWT', [client]));
  const file = join(temporaryFolder('wif'), 'token');
  await writeFile(file, `${await jwtOf(platform, server, 'one')}\n`, { mode: 0o600 });
  return { witness, platform, server, file };
}

const jwtOf = (platform: Issuer, { issuer }: ResourceAuthorizationServer, jti: string): Promise<string> =>
  platform.sign({ sub: 'gateway', aud: issuer, jti }, { typ: 'JWT' });

/** One for each test, all behind one gateway. */
let vouching: World;
let lying: World;
let workload: Workload;
let gateway: Gateway;

before(async () => {
  const { client, key } = await clientKeys();
  vouching = await startWorld(client);
  lying = await startWorld(client);
  workload = await startWorkload();
  const serverOf = ({ witness, provider, server }: World): object => ({
    url: witness.url,
    credential: {
      idJag: {
        provider: { issuer: provider.issuer, clientId: 'gateway-at-idp', clientSecret: '${env:IDP_SECRET}' },
        issuer: server.issuer,
        clientId: 'gateway-at-as',
        privateKey: '${env:AS_KEY}',
        scopes: ['notes:read'],
      },
    },
  });
  const { issuer } = workload.server;
  const workloadIdentity = { issuer, clientId: 'workload', assertion: `\${file:${workload.file}}` };
  gateway = stack.use(
    await startGateway(
      {
        authentication: {
          issuers: {
            corp: { issuer: vouching.provider.issuer },
            lying: { issuer: lying.provider.issuer, prefix: 'lying/' },
          },
        },
        callers: { agents: { workload: {} } },
        servers: {
          vouching: serverOf(vouching),
          lying: serverOf(lying),
          workload: { url: workload.witness.url, credential: { workloadIdentity } },
        },
        connections: [
          { name: 'all', from: { anyone: true }, to: ['vouching', 'lying'], tools: [{ allow: '*' }] },
          { name: 'workload', from: { agent: 'workload' }, to: 'workload', tools: [{ allow: '*' }] },
        ],
      },
      { env: { IDP_SECRET: 'idp-secret', AS_KEY: key } },
    ),
  );
});
after(() => stack.disposeAsync());

const stateOf = async (): Promise<string> =>
  (await runCommandHere('server', 'list', '--config', gateway.config)).stdout;

test('each caller gets a token of its own, for which its identity provider vouched', async () => {
  const { witness, provider, exchanges, server } = vouching;
  const aud = gateway.endpoint('vouching');
  const tokens = await Promise.all(['dana', 'eve'].map((sub) => provider.sign({ aud, sub })));
  const answers = await Promise.all([...tokens, ...tokens, ...tokens].map((token) => call('vouching', token)));
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

  const gone = await call('vouching', await provider.sign({ aud, sub: 'gone' }));
  assert.match(gone.body, /cannot be reached/);
  assert.doesNotMatch(gone.body, /invalid_grant|identity provider/);
  assert.match(await listedWith('reauthorize'), /credential {2}user:gone agent:bot {2}reauthorize/);
  assert.match(await stateOf(), /credential {2}user:dana agent:bot {2}connected/);
});

/** The report is written once a second. */
async function listedWith(word: string): Promise<string> {
  const deadline = Date.now() + patienceMs;
  let listed = '';
  while (!listed.includes(word) && Date.now() < deadline) listed = await stateOf();
  return listed;
}

test('what an identity provider issued is looked at before it is handed over', async () => {
  const { witness, provider, change, server } = lying;
  const aud = gateway.endpoint('lying');
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
    const answer = await call('lying', await provider.sign({ aud, sub }));
    assert.match(answer.body, /cannot be reached/);
    assert.ok(!answer.body.includes(problem));
    const logged = gateway.errors().split('\n').at(-2) ?? '';
    assert.ok(logged.includes(problem), `${JSON.stringify(how)}: ${logged}`);
  }
  assert.deepEqual(server.assertions, [], 'the authorization server accepted nothing');
  assert.deepEqual(witness.calls(), []);
});

test('workload identity: the JWT in a file becomes a token, and the next one is read when the file changes', async () => {
  const { witness, platform, server, file } = workload;
  const key = gateway.key('workload');
  assert.match((await call('workload', key)).body, /the witness was called/, gateway.errors());
  assert.deepEqual(
    server.assertions.map(({ jti }) => jti),
    ['one'],
  );
  const [first] = witness.calls();
  await writeFile(file, await jwtOf(platform, server, 'two'));
  const deadline = Date.now() + patienceMs;
  while (server.assertions.length < 2 && Date.now() < deadline) await call('workload', key);
  assert.deepEqual(
    server.assertions.map(({ jti }) => jti),
    ['one', 'two'],
  );
  assert.notEqual(witness.calls().at(-1)?.headers.authorization, first?.headers.authorization);
});
