/** Checks of servers on a running gateway: each state with why, a standby credential, and commands that wait. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { modernCallWith, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness, type Witness } from './attacks/witness.ts';
import { makeAuthority } from './certificates.ts';
import { fixtureCommand, type Gateway, type Settings, startGateway } from './harness.ts';
import { freePort, patienceMs } from './process.ts';
import { startTlsServer } from './tls-server.ts';

const tools = ['open', 'ping'].map((name) => ({ name }));
const made = 'the witness was called';
const every = { every: '1s', timeout: '2s' };

const settingsOf = (servers: Readonly<Record<string, object>>, more: object = {}): Settings => ({
  callers: { agents: { a: {} } },
  servers,
  connections: Object.keys(servers).map((to) => ({
    name: `to ${to}`,
    from: { anyone: true },
    to,
    tools: [{ allow: '*' }],
  })),
  ...more,
});

interface Health {
  readonly state: string;
  readonly since: string;
  readonly why?: string;
  readonly steps?: readonly { readonly step: string; readonly ok: boolean }[];
  readonly certificateDays?: number;
}

async function healthOf(gateway: Gateway, server: string): Promise<Health & { readonly status: number }> {
  const response = await fetch(`${gateway.admin}/health/servers/${server}`);
  return { ...((await response.json()) as Health), status: response.status };
}

/** Asks until the server is in this state. */
async function until(
  gateway: Gateway,
  server: string,
  ...states: readonly string[]
): Promise<Health & { status: number }> {
  for (const deadline = Date.now() + patienceMs; ; ) {
    const health = await healthOf(gateway, server);
    if (states.includes(health.state)) return health;
    assert.ok(Date.now() < deadline, JSON.stringify(health));
    await pause(20);
  }
}

/** What the gateway says of itself is written each second. */
async function untilListed(gateway: Gateway, expected: RegExp): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; ) {
    const { stdout } = await runCommandHere('server', 'list', '--config', gateway.config);
    if (expected.test(stdout)) return;
    assert.ok(Date.now() < deadline, stdout);
    await pause(20);
  }
}

async function call(gateway: Gateway, server: string, tool = 'open'): Promise<string> {
  const { json, body } = await sendRaw(modernCallWith({ url: gateway.endpoint(server), key: gateway.key('a'), tool }));
  const [content] = (json?.result?.['content'] ?? []) as { text?: string }[];
  return content?.text ?? body;
}

interface Guarded extends AsyncDisposable {
  readonly url: string;
  /** Tokens that are taken. */
  readonly tokens: Set<string>;
}

/** A witness behind a check of its token. */
async function startGuarded(witness: Witness, tokens: readonly string[]): Promise<Guarded> {
  const good = new Set(tokens);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (!good.has(request.headers.authorization?.replace('Bearer ', '') ?? ''))
        return void response.writeHead(401).end();
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
      ) as Record<string, string>;
      void fetch(witness.url, { method: request.method ?? '', headers, body: Buffer.concat(chunks) }).then(
        async (answer) => {
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
          response.end(await answer.text());
        },
      );
    });
  });
  const { url, close } = await listening(server);
  return { url, tokens: good, [Symbol.asyncDispose]: close };
}

async function listening(server: Server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('each state with why and the steps; checks count under no limit', async (t) => {
  await using witness = await startWitness(tools);
  await using refusing = await startGuarded(witness, []);
  const odd = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":');
  });
  const oddly = await listening(odd);
  t.after(() => oddly.close());
  const hanging = createTcpServer((socket) => void socket.resume().on('error', () => {}));
  hanging.listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  t.after(() => void hanging.close());
  const failing = await startWitness(tools);
  t.after(() => failing[Symbol.asyncDispose]());
  failing.answer('ping', (response, { message: { id } }) =>
    sendJson(response, { jsonrpc: '2.0', id, result: { resultType: 'complete', isError: true, content: [] } }),
  );
  const canary = { tool: 'ping' };
  // Each caller has a token of its own there, and the gateway has none.
  const exchange = {
    tokenExchange: { issuer: 'https://login.example', clientId: 'gateway', clientSecret: '${env:TOKEN}' },
  };
  const servers = {
    good: { url: witness.url, health: { ...every, canary } },
    revoked: { url: refusing.url, credential: { bearer: '${env:TOKEN}' }, health: every },
    dead: { url: `http://127.0.0.1:${await freePort()}/mcp`, health: every },
    hanging: { url: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}/mcp`, health: every },
    odd: { url: oddly.url, health: every },
    canary: { url: failing.url, health: { ...every, canary } },
    program: { command: fixtureCommand('dual'), idle: '1s', health: every },
    exchanged: { url: refusing.url, credential: exchange, health: every },
    quiet: { url: witness.url },
  };
  const limits = [{ name: 'two', per: 'server', rate: '2/min' }];
  await using gateway = await startGateway(settingsOf(servers, { limits }), { env: { TOKEN: 'x' } });
  const expected: readonly (readonly [string, string, number, RegExp])[] = [
    ['good', 'healthy', 200, /^$/],
    ['revoked', 'unauthorised', 503, /^authentication: .*401/],
    ['dead', 'unreachable', 503, /^TCP: .*ECONNREFUSED/],
    ['hanging', 'unreachable', 503, /^not done within 2000 ms: nothing after the connection/],
    ['odd', 'misbehaving', 503, /^handshake: /],
    ['canary', 'degraded', 200, /^canary: the tool answered with an error/],
    ['program', 'unknown', 503, /^it does not run/],
    ['exchanged', 'healthy', 200, /^$/],
    ['quiet', 'unknown', 503, /^it was not called yet/],
  ];
  for (const [server, state, status, why] of expected) {
    const health = await until(gateway, server, state);
    assert.equal(health.status, status, server);
    if (server !== 'program') assert.match(health.why ?? '', why, server);
  }
  assert.deepEqual(
    (await healthOf(gateway, 'good')).steps?.map(({ step }) => step),
    ['DNS', 'TCP', 'handshake', 'tools', 'prompts', 'resources', 'templates', 'canary'],
  );
  assert.equal((await fetch(`${gateway.admin}/health/servers/nothing`)).status, 404);
  assert.ok(witness.calls().length >= 1);
  for (let at = 0; at < 2; at++) assert.equal(await call(gateway, 'good'), made);
  assert.match(await call(gateway, 'good'), /^The limit "two" is reached/);
  assert.equal(await call(gateway, 'quiet'), made);
  assert.equal((await healthOf(gateway, 'quiet')).state, 'healthy');
  const metrics = await (await fetch(`${gateway.admin}/metrics`)).text();
  assert.match(metrics, /sallyport_server_health\{server="revoked",state="unauthorised"\} 1/);
  assert.doesNotMatch(metrics, /sallyport_server_health\{server="quiet"/);
  let list = '';
  for (
    const deadline = Date.now() + patienceMs;
    !/health: UNAUTHORISED/.test(list);
    assert.ok(Date.now() < deadline, list)
  )
    ({ stdout: list } = await runCommandHere('server', 'list', '--config', gateway.config));
  assert.match(list, /^dead .*\n {4}health: UNREACHABLE since \S+: TCP/m);
  const words = ['audit', 'search', '--kind', 'server-health', '--json'];
  const found = await runCommandHere(...words, '--config', gateway.config);
  assert.match(found.stdout, /"to": "unauthorised"/);
  // One that runs is asked, and ends all the same when it is not used.
  await call(gateway, 'program', 'echo');
  await until(gateway, 'program', 'healthy');
  await until(gateway, 'program', 'unknown');
});

/** A server with two credentials of which the second one stands by, and one that has the first one only. */
const backedBy = (url: string) => ({
  url,
  credential: { bearer: '${env:ONE}' },
  credentials: { standby: { bearer: '${env:TWO}' } },
});
const aloneAt = (url: string) => ({ url, credential: { bearer: '${env:ONE}' } });

/** The servers of the tests below, all behind one gateway. */
const stack = new AsyncDisposableStack();

async function startBehind() {
  const witness = stack.use(await startWitness(tools));
  return { witness, guarded: stack.use(await startGuarded(witness, ['one', 'two'])) };
}

type Behind = Awaited<ReturnType<typeof startBehind>>;
let revoking: Behind;
let standing: Behind;
let picky: Behind;
/** Keeps the port of a server that comes later. */
let placeholder: ReturnType<typeof createTcpServer>;
let gateway: Gateway;

before(async () => {
  revoking = await startBehind();
  standing = await startBehind();
  picky = await startBehind();
  const authority = stack.use(makeAuthority());
  const { cert, key } = authority.issue('server', 'IP:127.0.0.1');
  const target = stack.use(await startTlsServer({ cert, key }));
  const refusing = stack.use(await startGuarded(revoking.witness, []));
  placeholder = createTcpServer().listen(0, '127.0.0.1');
  stack.defer(() => void placeholder.close());
  await once(placeholder, 'listening');
  const servers = {
    revoked: { ...backedBy(revoking.guarded.url), health: every },
    'revoked-alone': { ...aloneAt(revoking.guarded.url), health: every },
    standing: backedBy(standing.guarded.url),
    picky: backedBy(picky.guarded.url),
    'picky-alone': aloneAt(picky.guarded.url),
    known: { url: target.url, tls: { authorities: '${env:CA}' }, health: every },
    unknown: { url: target.url, health: every },
    late: { url: `http://127.0.0.1:${(placeholder.address() as AddressInfo).port}/mcp` },
    refusing: { url: refusing.url, credential: { bearer: '${env:TOKEN}' } },
    dead: { command: [process.execPath, '-e', "console.error('HTTP status 401 at 403'); process.exit(1)"] },
    absent: { url: `http://127.0.0.1:${await freePort()}/403/401` },
  };
  const env = { ONE: 'one', TWO: 'two', CA: authority.cert, TOKEN: 'x' };
  // For the commands, which run in this process.
  Object.assign(process.env, env);
  gateway = stack.use(await startGateway(settingsOf(servers), { env }));
});
after(() => stack.disposeAsync());

/** What is recorded of this server. */
async function records(server: string, ...words: readonly string[]): Promise<string> {
  const search = ['audit', 'search', '--server', server, '--json', ...words];
  return (await runCommandHere(...search, '--config', gateway.config)).stdout;
}

test('a credential is revoked at the server: unauthorised within one check, and the standby takes over', async () => {
  const { guarded } = revoking;
  for (const server of ['revoked', 'revoked-alone']) {
    const { steps = [] } = await until(gateway, server, 'healthy');
    assert.ok(steps.some(({ step, ok }) => step === 'authentication' && ok));
    assert.equal(await call(gateway, server), made);
  }
  guarded.tokens.delete('one');
  assert.match((await until(gateway, 'revoked-alone', 'unauthorised')).why ?? '', /401/);
  // What its own checks found out, before a call did.
  await untilListed(gateway, /^revoked-alone.*(?:\n {4}.*)*\n {4}credential +broken/m);
  const second = await until(gateway, 'revoked', 'degraded');
  assert.equal(second.why, 'the standby credential is presented');
  assert.equal(await call(gateway, 'revoked'), made);
  assert.match(await call(gateway, 'revoked-alone'), /cannot be reached/);
  const found = await records('revoked');
  assert.match(found, /"kind": "credential-standby"/);
  assert.match(found, /"from": "unauthorised",\s*"to": "degraded"/);
  assert.match(await records('revoked-alone'), /"from": "healthy",\s*"to": "unauthorised"/);
  const list = await runCommandHere('server', 'list', '--config', gateway.config);
  assert.doesNotMatch(list.stdout, /\bone\b|\btwo\b/);
  // Both are refused now.
  guarded.tokens.delete('two');
  await until(gateway, 'revoked', 'unauthorised');
  guarded.tokens.add('one');
  await until(gateway, 'revoked-alone', 'healthy');
  await untilListed(gateway, /^revoked-alone.*(?:\n {4}.*)*\n {4}credential +connected/m);
});

test('a call whose credential is refused goes on with the standby', async () => {
  const { guarded, witness } = standing;
  assert.equal(await call(gateway, 'standing'), made);
  guarded.tokens.delete('one');
  witness.forget();
  const all = await Promise.all(Array.from({ length: 8 }, () => call(gateway, 'standing')));
  assert.deepEqual([...new Set(all)], [made]);
  assert.equal(witness.calls().length, 8);
  const found = await records('standing', '--kind', 'credential-standby');
  assert.equal(found.match(/"kind": "credential-standby"/g)?.length, 1, found);
});

test('a server that refuses one call refuses one call: all others go on with the credential', async () => {
  const { witness } = picky;
  witness.answer('ping', (response) => response.writeHead(401).end());
  for (const server of ['picky', 'picky-alone']) {
    const all = await Promise.all(Array.from({ length: 8 }, () => call(gateway, server, 'ping')));
    for (const text of all) assert.match(text, /cannot be reached/);
    assert.equal(await call(gateway, server), made);
    await untilListed(gateway, new RegExp(`^${server} .*(?:\\n {4}.*)*\\n {4}credential +connected`, 'm'));
  }
  // Nor does the call get the rights of the other one.
  assert.deepEqual([...new Set(witness.calls().map(({ headers }) => headers.authorization))], ['Bearer one']);
});

test('a check over TLS says how long the certificate lasts', async () => {
  const health = await until(gateway, 'known', 'healthy', 'degraded');
  assert.ok((health.certificateDays ?? -1) >= 0, JSON.stringify(health));
  assert.match((await until(gateway, 'unknown', 'unreachable')).why ?? '', /^TLS: /);
  const metrics = await (await fetch(`${gateway.admin}/metrics`)).text();
  assert.match(metrics, /sallyport_server_certificate_days\{server="known"\} \d/);
});

test('server probe waits until a server is there, and ends with a code for what is wrong', async () => {
  const { port } = placeholder.address() as AddressInfo;
  placeholder.close();
  const probe = (...words: readonly string[]) =>
    runCommandHere('server', 'probe', ...words, '--config', gateway.config);
  assert.equal((await probe('late')).code, 1);
  assert.equal((await probe('refusing')).code, 77);
  assert.equal((await probe('late', '--wait', 'soon')).code, 2);
  const waiting = probe('late', '--wait', '60s');
  await using _late = await startWitness(tools, {}, port);
  const { code, stdout } = await waiting;
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^late\n {2}ok {6}DNS/);
});

test('a server that cannot be reached is never told as one that refused the credential', async (t) => {
  for (const server of ['dead', 'absent'])
    await t.test(server, async () => {
      assert.match(await call(gateway, server), /cannot be reached/);
      const { state, why } = await until(gateway, server, 'unreachable', 'unauthorised');
      assert.equal(state, 'unreachable', why);
    });
});
