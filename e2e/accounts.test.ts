/** Accounts of users at servers, with a real authorization server: connected in a browser, renewed, forgotten. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { decodeJwt } from 'jose';
import { aliasOf } from '../gateway/src/pipeline/alias.ts';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { temporaryFolder } from '../gateway/test/support/folder.ts';
import { back, startAuthorizing } from './attacks/authorizing.ts';
import { type Protected, startProtected } from './attacks/protected.ts';
import { modernCallWith, pageIn, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts';
import { Browser } from './browser.ts';
import { type Gateway, startGateway } from './harness.ts';
import { freePort, patienceMs, runToEnd } from './process.ts';

const program = 'gateway/bin/sallyport.js';

function gatewayFor(server: Protected, issuer: string, credential: object = {}, folder?: string): Promise<Gateway> {
  const settings = {
    callers: { users: { dana: {}, eve: {} }, agents: { bot: {} } },
    egress: { allow: [issuer] },
    servers: { notes: { url: server.url, credential: { authorizationCode: credential } } },
    connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
  };
  return startGateway(settings, folder === undefined ? {} : { folder });
}

const keyOf = (gateway: Gateway, user: string): string => gateway.key({ user });

function call(gateway: Gateway, key: string, { server = 'notes', params = {}, elicitation }: Asking = {}) {
  const capabilities = elicitation === undefined ? {} : { elicitation };
  return sendRaw(modernCallWith({ url: gateway.endpoint(server), key, tool: 'open', params, capabilities }));
}

interface Asking {
  readonly server?: string;
  readonly params?: object;
  /** What the client says that it can be asked. */
  readonly elicitation?: object | undefined;
}

interface Pair {
  readonly as: AuthorizationServer;
  readonly server: Protected;
}

/** Servers of the tests that set nothing else, each with an authorization server of its own. The dot cannot stand in an alias. */
const names = ['bound', 'plain', 'my.notes'] as const;
const pairs = new Map<string, Pair>();
const pairOf = (name: (typeof names)[number]): Pair => pairs.get(name) ?? assert.fail(name);
let shared: Gateway;

before(async () => {
  for (const name of names) {
    const as = await startAuthorizationServer();
    pairs.set(name, { as, server: await startProtected([{ name: 'open' }], [as.issuer]) });
  }
  const all = [...pairs];
  shared = await startGateway({
    callers: { users: { dana: {}, eve: {} }, agents: { bot: {} } },
    egress: { allow: all.map(([, { as }]) => as.issuer) },
    servers: Object.fromEntries(
      all.map(([name, { server }]) => [name, { url: server.url, credential: { authorizationCode: {} } }]),
    ),
    connections: [{ name: 'all', from: { anyone: true }, to: names, tools: [{ allow: '*' }] }],
  });
});
after(async () => {
  await shared.stop();
  for (const { as, server } of pairs.values()) {
    await server[Symbol.asyncDispose]();
    await as[Symbol.asyncDispose]();
  }
});

/** The page that a call was answered with. */
function pageOf(answer: RawAnswer): string {
  const page = pageIn(answer);
  assert.ok(page !== undefined, answer.body);
  return page;
}

test('a user connects an account in the browser, the call goes through, and the token is for this server', async () => {
  const { as, server } = pairOf('bound');
  const asking = { server: 'bound', elicitation: { url: {} } };
  const key = keyOf(shared, 'dana');
  const asked = await call(shared, key, asking);
  assert.equal(asked.json?.result?.['resultType'], 'input_required', asked.body + shared.errors());
  const page = pageOf(asked);
  assert.equal(pageOf(await call(shared, key, asking)), page, 'one page, however often it is asked');
  const done = await new Browser().connect(page, key);
  assert.match(done.body, /is connected/, done.body + shared.errors());
  const params = { inputResponses: { 'sallyport-connect': { action: 'accept' } } };
  const answer = await call(shared, key, { ...asking, params });
  assert.match(answer.body, /the witness was called/, answer.body + shared.errors());
  const [seen] = server.calls();
  assert.doesNotMatch(seen?.body ?? '', /inputResponses/, 'what we asked is none of the business of the server');
  const token = (seen?.headers.authorization ?? '').replace('Bearer ', '');
  assert.equal(decodeJwt(token).aud, server.url);
  assert.deepEqual(as.grants, ['authorization_code']);
  const other = await call(shared, keyOf(shared, 'eve'), asking);
  assert.match(other.body, /requires a linked account/, 'the account of one user is not that of another');
});

/** What `server list` says of the accounts, once it says this. The report is written once a second. */
async function listed(gateway: Gateway, wanted: RegExp): Promise<string> {
  const deadline = Date.now() + patienceMs;
  for (let said = ''; ; said = (await runCommandHere('server', 'list', '--config', gateway.config)).stdout) {
    if (wanted.test(said)) return said;
    if (Date.now() > deadline) assert.fail(`${String(wanted)} is not in\n${said}${gateway.errors()}`);
  }
}

const connected = async (gateway: Gateway, user: string): Promise<string> => {
  const key = keyOf(gateway, user);
  const done = await new Browser().connect(pageOf(await call(gateway, key)), key);
  assert.match(done.body, /is connected/, done.body + gateway.errors());
  return key;
};

test('a token is renewed with rotation, survives a restart, and is forgotten on command', async () => {
  await using as = await startAuthorizationServer();
  await using server = await startProtected([{ name: 'open' }], [as.issuer]);
  const folder = temporaryFolder('accounts');
  await using gateway = await gatewayFor(server, as.issuer, {}, folder);
  const key = await connected(gateway, 'dana');
  assert.match((await call(gateway, key)).body, /the witness was called/);
  // What the server refuses is over, whatever the clock says.
  const [first] = server.presented.slice(-1);
  server.door = (token) => (token === undefined || token === first ? [401, ''] : undefined);
  assert.match((await call(gateway, key)).body, /the witness was called/, gateway.errors());
  assert.deepEqual(as.grants, ['authorization_code', 'refresh_token']);
  await listed(gateway, /credential {2}user:dana {2}connected/);

  await gateway.stop();
  await using again = await gatewayFor(server, as.issuer, {}, folder);
  const second = server.presented.at(-1);
  assert.match((await call(again, key)).body, /the witness was called/, again.errors());
  assert.notEqual(server.presented.at(-1), undefined);
  assert.ok(second !== undefined);
  const files = await runToEnd({ command: ['grep', '-rlF', second, again.folder] });
  assert.equal(files.stdout, '', 'no token stands anywhere on disk');

  const forget = [process.execPath, program, 'server', 'disconnect', 'notes', '--config', again.config] as const;
  assert.equal((await runToEnd({ command: [...forget, '--user', 'eve'] })).code, 1);
  const gone = await runToEnd({ command: [...forget, '--user', 'dana'] });
  assert.equal(gone.code, 0, gone.stderr);
  assert.equal(gone.stdout, 'dana is disconnected from notes\n');
  await listed(again, /credential {2}user:dana {2}unused/);
  assert.match((await call(again, key)).body, /requires a linked account/);
  await again.stop();
});

test('without url elicitation a client is told the page, and a legacy client gets the error that it knows', async () => {
  const server = 'plain';
  const key = keyOf(shared, 'dana');
  for (const elicitation of [undefined, {}, { form: {} }]) {
    const told = await call(shared, key, { server, elicitation });
    assert.equal(told.json?.result?.['isError'], true, told.body);
    pageOf(told);
  }
  const bot = await call(shared, shared.key('bot'), { server });
  assert.match(bot.body, /cannot be reached/, 'the call has no user who could have an account');
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities: { elicitation: { url: {} } }, versionNegotiation: { mode: 'legacy' } },
  );
  const fetchWithKey = { requestInit: { headers: { authorization: `Bearer ${key}` } } };
  await client.connect(new StreamableHTTPClientTransport(new URL(shared.endpoint(server)), fetchWithKey));
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['sallyport_connect'],
    'what a user without account sees',
  );
  await assert.rejects(client.callTool({ name: 'sallyport_connect', arguments: {} }), (error: { code?: number }) => {
    assert.equal(error.code, -32_042);
    return true;
  });
  await client.close();
});

test('the tool that connects an account is that of the gateway under every alias', async () => {
  const key = keyOf(shared, 'dana');
  const url = `${shared.mcp}/mcp`;
  const tool = aliasOf('my.notes', 'sallyport_connect');
  const page = pageOf(await sendRaw(modernCallWith({ url, key, tool })));
  assert.match((await new Browser().connect(page, key)).body, /is connected/);
  assert.match((await sendRaw(modernCallWith({ url, key, tool }))).body, /Your account at my.notes is connected/);
});

test('under an https URL the gateway is known by its document, and its cookies by a name that only https can set', async () => {
  const port = await freePort();
  const [base, local] = ['https://gateway.example', `http://127.0.0.1:${port}`];
  const read: string[] = [];
  await using as = await startAuthorizationServer({
    documents: (asked) => {
      const url = asked instanceof Request ? asked.url : asked.toString();
      read.push(url);
      return fetch(url.replace(base, local));
    },
  });
  await using server = await startProtected([{ name: 'open' }], [as.issuer]);
  await using gateway = await startGateway({
    listen: { mcp: { port, publicUrl: base }, admin: { port: 0 } },
    callers: { users: { dana: {} } },
    egress: { allow: [as.issuer] },
    servers: { notes: { url: server.url, credential: { authorizationCode: {} } } },
    connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
  });
  const key = keyOf(gateway, 'dana');
  const asked = await sendRaw(modernCallWith({ url: `${local}/servers/notes/mcp`, key, tool: 'open' }));
  const page = pageOf(asked);
  assert.ok(page.startsWith(`${base}/connect/`), page);
  const browser = new Browser({ [base]: local });
  const { headers } = await browser.request(page);
  assert.match(headers.get('set-cookie') ?? '', /^__Host-sallyport=.*; Path=\/; HttpOnly; SameSite=Lax; .*; Secure$/);
  const done = await browser.connect(page, key);
  assert.match(done.body, /is connected/, done.body + gateway.errors());
  assert.deepEqual([...new Set(read)], [`${base}/client-metadata.json`]);
  const answer = await sendRaw(modernCallWith({ url: `${local}/servers/notes/mcp`, key, tool: 'open' }));
  assert.match(answer.body, /the witness was called/);
});

test('a user who calls with tokens signs in at their issuer, and must be the one who called', async () => {
  await using corp = await startAuthorizing();
  await using as = await startAuthorizing();
  await using server = await startProtected([{ name: 'open' }], [as.issuer]);
  await using gateway = await startGateway({
    authentication: { issuers: { corp: { issuer: corp.issuer, prefix: 'corp/', signIn: { clientId: 'sallyport' } } } },
    egress: { allow: [as.issuer] },
    servers: { notes: { url: server.url, credential: { authorizationCode: {} } } },
    connections: [{ name: 'all', from: { anyone: true }, to: 'notes', tools: [{ allow: '*' }] }],
  });
  const url = gateway.endpoint('notes');
  const token = await corp.sign({ aud: url });
  const ask = () => sendRaw(modernCallWith({ url, key: token, tool: 'open' }));
  const page = pageOf(await ask());
  const attempt = async (claims: Readonly<Record<string, unknown>>, iss = corp.issuer) => {
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
    const shown = await browser.open(page);
    return { browser, shown: await browser.follow(await browser.submit(shown, '/sign-in')) };
  };
  for (const [claims, iss] of [
    [{ sub: 'eve' }],
    [{ nonce: 'of another sign-in' }],
    [{ aud: 'another-client' }],
    [{ aud: ['sallyport', 'another-client'], azp: 'another-client' }],
    [{ iss: as.issuer }],
    [{ exp: 1 }],
    [{}, as.issuer],
  ] as const) {
    const { shown } = await attempt(claims, iss);
    assert.equal(shown.status, 403, JSON.stringify(claims) + shown.body);
  }
  assert.deepEqual(as.asked, []);
  const { browser, shown } = await attempt({});
  assert.match(shown.body, /corp\/dana/);
  const done = await browser.follow(await browser.submit(shown, '/agree'));
  assert.match(done.body, /is connected/, done.body + gateway.errors());
  assert.match((await ask()).body, /the witness was called/);

  const search = [process.execPath, program, 'audit', 'search', '--json', '--config', gateway.config] as const;
  const { stdout } = await runToEnd({ command: search });
  for (const kind of ['account-started', 'account-connected', 'account-refused'])
    assert.match(stdout, new RegExp(kind));
  assert.doesNotMatch(
    stdout + gateway.errors(),
    /token-of-|of-no-use-here|\/connect\//,
    'no token and no page in the record',
  );
});
