/** Attacks on access tokens. A number at the beginning of a name is that of `e2e/requirements/tokens.ts`. */
import assert from 'node:assert/strict';
import { createHmac, createPublicKey, type JsonWebKey } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { generateKeyPair, SignJWT } from 'jose';
import { type Gateway, startGateway } from '../harness.ts';
import { type Claims, type Issuer, startIssuer } from '../issuer.ts';
import { patienceMs } from '../process.ts';
import { type Header, legacyHeaders, meta, modernCall, modernHeaders, type RawAnswer, sendRaw } from './raw.ts';
import { sendJson, startWitness, type Witness } from './witness.ts';

let issuer: Issuer;
let rsa: Issuer;
let opaque: Issuer;
let witness: Witness;
let gateway: Gateway;
const active = new Map<string, Claims>();

before(async () => {
  [issuer, rsa, opaque] = await Promise.all([startIssuer('ES256'), startIssuer('RS256'), startIssuer('ES256')]);
  witness = await startWitness([{ name: 'open' }, { name: 'write' }, { name: 'admin' }, { name: 'closed' }]);
  opaque.on('/introspect', (request, response, body) => {
    assert.equal(request.headers.authorization, `Basic ${Buffer.from('gateway:s3cret%2B').toString('base64')}`);
    const claims = active.get(new URLSearchParams(body).get('token') ?? '');
    sendJson(response, claims === undefined ? { active: false } : { active: true, ...claims });
  });
  gateway = await startGateway(
    {
      authentication: {
        issuers: {
          main: { issuer: issuer.issuer, skew: '0s', claims: { roles: 'roles', attributes: { tenant: 'tid' } } },
          rsa: { issuer: rsa.issuer, prefix: 'rsa/', keys: { url: `${rsa.issuer}/jwks` }, algorithms: ['RS256'] },
          opaque: {
            issuer: opaque.issuer,
            prefix: 'o/',
            introspection: {
              url: `${opaque.issuer}/introspect`,
              clientId: 'gateway',
              clientSecret: '${env:INTROSPECTION_SECRET}',
            },
          },
        },
        scopes: { 'tools:admin': { implies: ['tools:write'] } },
        scopesSupported: ['tools:read'],
        freeFailures: 1_000,
      },
      callers: {
        users: { dana: {}, 'rsa/dana': {}, 'o/dana': {}, eve: {} },
        agents: { bot: { ceiling: { tools: ['open', 'write', 'admin'] } } },
        roles: { reader: {}, writer: { includes: ['reader'], groups: ['eng'] } },
      },
      servers: { witness: { url: witness.url }, second: { url: witness.url } },
      connections: [
        {
          name: 'dana',
          from: { user: ['dana', 'rsa/dana', 'o/dana', 'eve'] },
          to: ['witness', 'second'],
          tools: [
            { allow: ['open', 'closed'] },
            { allow: 'write', scopes: 'tools:write' },
            { allow: 'admin', when: "'reader' in caller.roles && caller.attributes.tenant == 'acme'" },
          ],
        },
      ],
    },
    { env: { INTROSPECTION_SECRET: 's3cret+' } },
  );
});

after(async () => {
  await gateway.stop();
  for (const each of [issuer, rsa, opaque]) await each[Symbol.asyncDispose]();
  await witness[Symbol.asyncDispose]();
});

beforeEach(() => witness.forget());

const resource = (server = 'witness'): string => gateway.endpoint(server);
const seconds = (): number => Math.floor(Date.now() / 1000);

function call(token: string | undefined, tool = 'open', server = 'witness'): Promise<RawAnswer> {
  const credentials: Header[] = token === undefined ? [] : [['Authorization', `Bearer ${token}`]];
  return sendRaw({
    url: resource(server),
    headers: [...modernHeaders('tools/call', tool), ...credentials],
    body: modernCall(tool),
  });
}

/** Refused, with a challenge that leads to the metadata of this route, and without a word on what was wrong. */
function unauthorized(answer: RawAnswer, server = 'witness'): void {
  assert.equal(answer.status, 401, answer.body);
  assert.deepEqual(answer.json?.error, { code: 401, message: 'The credentials are not valid' });
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer error="invalid_token", resource_metadata="${gateway.mcp}/.well-known/oauth-protected-resource/servers/${server}/mcp", scope="tools:read"`,
  );
  assert.deepEqual(witness.calls(), [], 'nothing reaches the server');
}

function allowed(answer: RawAnswer): void {
  assert.equal(answer.status, 200, answer.body);
  assert.match(answer.body, /the witness was called/);
}

test('a proper token goes through, so that the attacks below fail for their own reason', async () => {
  allowed(await call(await issuer.sign({ aud: resource() })));
  allowed(await call(await issuer.sign({ aud: ['https://elsewhere.example', resource()] })));
  allowed(await call(await rsa.sign({ aud: resource() })));
});

test('1 token in the query is refused', async () => {
  const token = await issuer.sign({ aud: resource() });
  const answer = await sendRaw({
    url: `${resource()}?access_token=${token}`,
    headers: modernHeaders('tools/call', 'open'),
    body: modernCall('open'),
  });
  assert.equal(answer.status, 400);
  assert.deepEqual(witness.calls(), []);
});

test('2 wrong audience', async () => {
  for (const aud of ['https://elsewhere.example/mcp', gateway.mcp, `${resource()}/`, `${resource()}x`, ['']])
    unauthorized(await call(await issuer.sign({ aud })));
});

test('2 token of another resource of the same gateway', async () => {
  const token = await issuer.sign({ aud: resource() });
  allowed(await call(token));
  witness.forget();
  unauthorized(await call(token, 'open', 'second'), 'second');
});

test('3 missing audience', async () => {
  unauthorized(await call(await issuer.sign({})));
  unauthorized(await call(await issuer.sign({ aud: {} })));
});

test('4 expired, not valid yet, issued in the future, without an end', async () => {
  const aud = resource();
  unauthorized(await call(await issuer.sign({ aud, exp: seconds() - 1 })));
  unauthorized(await call(await issuer.sign({ aud, nbf: seconds() + 60 })));
  unauthorized(await call(await issuer.sign({ aud, iat: seconds() + 60 })));
  unauthorized(await call(await issuer.sign({ aud, exp: undefined })));
  unauthorized(await call(await issuer.sign({ aud, exp: '9999999999' })));
});

test('each failure has a cause in the metrics, and the client is told none of it', async () => {
  const aud = resource();
  const counted = async (cause: string): Promise<number> => {
    const metrics = await (await fetch(`${gateway.admin}/metrics`)).text();
    const line = `sallyport_refusals_total{reason="credentials-invalid",cause="${cause}"} `;
    return Number(
      metrics
        .split('\n')
        .find((each) => each.startsWith(line))
        ?.slice(line.length) ?? 0,
    );
  };
  const bodies = new Set<string>();
  for (const [cause, claims] of [
    ['expired', { aud, exp: seconds() - 1 }],
    ['audience', { aud: 'https://elsewhere.example/mcp' }],
    ['not-yet-valid', { aud, nbf: seconds() + 60 }],
  ] as const) {
    const before = await counted(cause);
    const answer = await call(await issuer.sign(claims));
    unauthorized(answer);
    bodies.add(JSON.stringify(answer).replaceAll(/"date":"[^"]*"|"id":\d+/g, ''));
    assert.equal(await counted(cause), before + 1, cause);
  }
  assert.equal(bodies.size, 1);
});

test('5 alg none', async () => {
  const [, claims] = (await issuer.sign({ aud: resource() })).split('.');
  for (const alg of ['none', 'None', 'NONE', '']) {
    const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt', kid: issuer.kid() })).toString('base64url');
    unauthorized(await call(`${header}.${claims}.`));
    unauthorized(await call(`${header}.${claims}.AA`));
  }
});

test('5 HS/RS confusion: HMAC with the public key of the issuer', async () => {
  const [jwk] = rsa.publicKeys();
  const pem = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const [, claims] = (await rsa.sign({ aud: resource() })).split('.');
  for (const secret of [pem.toString(), pem.toString().trim(), JSON.stringify(jwk)]) {
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'at+jwt', kid: rsa.kid() })).toString('base64url');
    const mac = createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url');
    unauthorized(await call(`${header}.${claims}.${mac}`));
  }
});

test('5 an algorithm that the issuer may not use, and a key of another kind', async () => {
  const { privateKey } = await generateKeyPair('PS256');
  const token = await new SignJWT({ iss: rsa.issuer, sub: 'dana', aud: resource(), exp: seconds() + 60 })
    .setProtectedHeader({ alg: 'PS256', kid: rsa.kid(), typ: 'at+jwt' })
    .sign(privateKey);
  unauthorized(await call(token));
});

test('5 a key that the token brings along: jwk, jku and x5u in the header are not looked at', async () => {
  const attacker = await startIssuer('ES256');
  await using _ = attacker;
  for (const extra of [
    { jwk: attacker.publicKeys()[0] },
    { jku: `${attacker.issuer}/jwks` },
    { x5u: `${attacker.issuer}/cert.pem` },
  ])
    unauthorized(
      await call(await attacker.sign({ iss: issuer.issuer, aud: resource() }, { ...extra, kid: issuer.kid() })),
    );
  assert.equal(attacker.fetches(), 0);
});

test('5 typ of something else: an ID token or a logout token is no access token', async () => {
  for (const typ of ['logout+jwt', 'id_token+jwt', 'oauth-id-jag+jwt', 'dpop+jwt'])
    unauthorized(await call(await issuer.sign({ aud: resource() }, { typ })));
});

test('5 unknown critical header', async () => {
  const token = await new SignJWT({ iss: issuer.issuer, sub: 'dana', aud: resource(), exp: seconds() + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: issuer.kid(), crit: ['b64'], b64: true })
    .sign(issuer.privateKey());
  // b64: true is understood by the library and changes nothing; an unknown one is refused.
  const [header = '', claims, mac] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), crit: ['exp2'], exp2: 1 };
  unauthorized(await call(`${Buffer.from(JSON.stringify(changed)).toString('base64url')}.${claims}.${mac}`));
});

test('signature, header or claims changed by one bit', async () => {
  const token = await issuer.sign({ aud: resource(), sub: 'eve' });
  const parts = token.split('.');
  const forged = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  const claims = Buffer.from(JSON.stringify({ ...forged, sub: 'dana' })).toString('base64url');
  unauthorized(await call(`${parts[0]}.${claims}.${parts[2]}`));
  const signature = Buffer.from(parts[2] ?? '', 'base64url');
  signature[7] = (signature[7] ?? 0) ^ 1;
  unauthorized(await call(`${parts[0]}.${parts[1]}.${signature.toString('base64url')}`));
});

test('14 issuer mismatch: unknown issuer, and the keys of one issuer for the name of another', async () => {
  const stranger = await startIssuer('ES256');
  await using _ = stranger;
  unauthorized(await call(await stranger.sign({ aud: resource() })));
  assert.equal(stranger.fetches(), 0, 'an issuer that is not configured is not asked for keys');
  unauthorized(await call(await issuer.sign({ aud: resource(), iss: rsa.issuer })));
});

test('7 missing scope: 403 with exactly the scopes of the operation', async () => {
  const aud = resource();
  const answer = await call(await issuer.sign({ aud, scope: 'tools:read' }), 'write');
  assert.equal(answer.status, 403);
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer error="insufficient_scope", resource_metadata="${gateway.mcp}/.well-known/oauth-protected-resource/servers/witness/mcp", scope="tools:write"`,
  );
  assert.deepEqual(witness.calls(), []);
  allowed(await call(await issuer.sign({ aud, scope: 'tools:read tools:write' }), 'write'));
  allowed(await call(await issuer.sign({ aud, scp: ['tools:admin'] }), 'write'));
});

test('7 scope claims are not sufficient without policy', async () => {
  const answer = await call(await issuer.sign({ aud: resource(), sub: 'unlisted', scope: 'tools:admin' }), 'write');
  assert.equal(answer.status, 404, 'no connection leads from this user');
});

test('user, agent and server policy each must say yes: the ceiling of the agent', async () => {
  const answer = await call(await issuer.sign({ aud: resource() }), 'closed');
  assert.match(answer.json?.error?.message ?? '', /Unknown tool/);
  assert.deepEqual(witness.calls(), []);
  assert.match(gateway.errors(), /the ceiling of agent:bot/, 'the log says which one said no');
  allowed(await call(await issuer.sign({ aud: resource(), client_id: 'other' }), 'closed'));
});

test('claims become roles, groups and attributes by the declared mapping', async () => {
  const aud = resource();
  const denied = await call(await issuer.sign({ aud, groups: ['eng'], tid: 'other' }), 'admin');
  assert.match(denied.body, /Unknown tool/, 'nothing about a call could make this true');
  allowed(await call(await issuer.sign({ aud, groups: ['eng'], tid: 'acme' }), 'admin'));
  allowed(await call(await issuer.sign({ aud, roles: ['writer'], tid: 'acme' }), 'admin'));
});

test('identity of another issuer: the same subject is another user', async () => {
  // `rsa/dana` is declared and connected, `rsa/eve` is not: the prefix keeps the two issuers apart.
  assert.equal((await call(await rsa.sign({ aud: resource(), sub: 'eve' }))).status, 404);
  assert.equal((await call(await issuer.sign({ aud: resource(), sub: 'rsa/x y' }))).status, 401);
});

test('names of users and clients may begin and end with any of their characters', async () => {
  // One in sixteen client ids of oidc-provider begins or ends with - or _.
  for (const client_id of ['-x', 'x-', '_x', 'x_', '-', '__proto__', 'https://agent.example/id.json'])
    allowed(await call(await issuer.sign({ aud: resource(), client_id })));
  witness.forget();
  for (const client_id of [' x', 'x\n', 'x"', 'x\u202e', 'x'.repeat(257)])
    unauthorized(await call(await issuer.sign({ aud: resource(), client_id })));
});

test('8 and 9 metadata of each route names the public URL, whatever the Host header says', async () => {
  for (const path of ['/servers/witness/mcp', '/servers/nowhere/mcp', '/mcp']) {
    const answer = await sendRaw({
      url: `${gateway.mcp}/.well-known/oauth-protected-resource${path}`,
      method: 'GET',
      headers: [
        ['X-Forwarded-Host', 'evil.example'],
        ['Forwarded', 'host=evil.example'],
      ],
    });
    assert.equal(answer.status, 200);
    const document = JSON.parse(answer.body) as Record<string, unknown>;
    assert.equal(document['resource'], `${gateway.mcp}${path}`);
    assert.deepEqual(document['authorization_servers'], [issuer.issuer, rsa.issuer, opaque.issuer]);
    assert.deepEqual(document['scopes_supported'], ['tools:read']);
  }
  const evil = await sendRaw({
    url: `${gateway.mcp}/.well-known/oauth-protected-resource/mcp`,
    method: 'GET',
    headers: [['Host', 'evil.example']],
  });
  assert.equal(evil.status, 403);
});

test('9 a 401 without credentials has resource_metadata and scope, and no error', async () => {
  const answer = await call(undefined);
  assert.equal(answer.status, 401);
  assert.equal(
    answer.headers.get('www-authenticate'),
    `Bearer resource_metadata="${gateway.mcp}/.well-known/oauth-protected-resource/servers/witness/mcp", scope="tools:read"`,
  );
});

test('10 the token of the client never reaches a server, in any header', async () => {
  const token = await issuer.sign({ aud: resource() });
  const answer = await sendRaw({
    url: resource(),
    headers: [
      ...modernHeaders('tools/call', 'open'),
      ['Authorization', `Bearer ${token}`],
      ['X-Forwarded-Authorization', `Bearer ${token}`],
      ['X-Api-Key', token],
      ['Cookie', `token=${token}`],
    ],
    body: modernCall('open'),
  });
  allowed(answer);
  const [seen] = witness.calls();
  assert.ok(seen !== undefined && !JSON.stringify(seen).includes(token));
});

test('11 a 401 or 403 of a server does not reach the client, and neither does its challenge', async () => {
  const token = await issuer.sign({ aud: resource() });
  for (const status of [401, 403]) {
    witness.answer('open', (response) => {
      response.writeHead(status, {
        'www-authenticate': 'Bearer resource_metadata="https://evil.example/.well-known/oauth-protected-resource"',
      });
      response.end('{"error":"evil"}');
    });
    const answer = await call(token);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('www-authenticate'), undefined);
    assert.doesNotMatch(answer.body, /evil|401|403/);
  }
  witness.answer('open', (response, { message }) =>
    sendJson(response, {
      jsonrpc: '2.0',
      id: message.id,
      result: { resultType: 'complete', content: [{ type: 'text', text: 'the witness was called' }] },
    }),
  );
});

test('17 GET, DELETE and listen streams are authenticated', async () => {
  for (const method of ['GET', 'DELETE']) {
    const answer = await sendRaw({ url: resource(), method, headers: [['Accept', 'text/event-stream']] });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate') ?? '', /resource_metadata=/);
  }
  const answer = await sendRaw({
    url: resource(),
    headers: modernHeaders('subscriptions/listen'),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications: {}, _meta: meta },
    }),
  });
  assert.equal(answer.status, 401);
});

/** Opens a listen stream and resolves with what came until the gateway ended it. */
async function listenUntilEnd(token: string, opened?: () => void): Promise<string> {
  const url = new URL(resource());
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true }, _meta: meta },
  });
  const headers = [
    ...modernHeaders('subscriptions/listen'),
    ['Authorization', `Bearer ${token}`],
    ['Host', url.host],
    ['Content-Length', String(Buffer.byteLength(body))],
  ];
  const socket = connect(Number(url.port), url.hostname);
  socket.write(
    `POST ${url.pathname} HTTP/1.1\r\n${headers.map((pair) => pair.join(': ')).join('\r\n')}\r\n\r\n${body}`,
  );
  let text = '';
  const over = Promise.withResolvers<string>();
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (text.includes('acknowledged')) opened?.();
    if (text.includes('\r\n0\r\n')) over.resolve(text);
  });
  socket.on('close', () => over.resolve(text));
  const all = await over.promise;
  socket.destroy();
  return all;
}

test('18 the end of a token ends its streams', async () => {
  const text = await listenUntilEnd(await issuer.sign({ aud: resource(), exp: seconds() + 2 }));
  assert.match(text, /acknowledged/);
  assert.match(text, /"resultType":"complete"/, 'in good order');
});

test('18 a session outlives no token: the stream of a legacy session ends with it', async () => {
  const token = await issuer.sign({ aud: resource(), exp: seconds() + 3 });
  const authorization: Header = ['Authorization', `Bearer ${token}`];
  const begun = await sendRaw({
    url: resource(),
    headers: [...legacyHeaders, authorization],
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }),
  });
  const session = begun.headers.get('mcp-session-id') ?? '';
  assert.equal(begun.status, 200, begun.body);
  const headers: Header[] = [authorization, ['Mcp-Session-Id', session], ['Accept', 'text/event-stream']];
  const stream = await sendRaw({ url: resource(), method: 'GET', headers, within: patienceMs });
  assert.equal(stream.status, 200);
  const later = await sendRaw({ url: resource(), method: 'GET', headers });
  assert.equal(later.status, 401, 'the session is worth nothing without a token');
});

test("session of another user: with a token of one's own it does not exist", async () => {
  const aud = resource();
  const begun = await sendRaw({
    url: aud,
    headers: [...legacyHeaders, ['Authorization', `Bearer ${await issuer.sign({ aud })}`]],
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    }),
  });
  const session = begun.headers.get('mcp-session-id') ?? '';
  const list = (token: string): Promise<RawAnswer> =>
    sendRaw({
      url: aud,
      headers: [...legacyHeaders, ['Authorization', `Bearer ${token}`], ['Mcp-Session-Id', session]],
      body: '{"jsonrpc":"2.0","id":2,"method":"tools/list"}',
    });
  assert.equal(
    (await list(await issuer.sign({ aud, jti: 'refreshed' }))).status,
    200,
    'a new token of the same caller',
  );
  assert.equal((await list(await issuer.sign({ aud, sub: 'eve' }))).status, 404);
  assert.equal((await list(await rsa.sign({ aud }))).status, 404, 'the same subject of another issuer');
});

test('opaque tokens: introspected, bound to this resource, refused when not active', async () => {
  const aud = resource();
  active.set('op1', { sub: 'dana', client_id: 'bot', aud, exp: seconds() + 60 });
  active.set('op2', { sub: 'dana', aud: 'https://elsewhere.example' });
  active.set('op3', { sub: 'dana' });
  active.set('op4', { sub: 'dana', aud, iss: 'https://elsewhere.example' });
  allowed(await call('op1'));
  witness.forget();
  for (const token of ['op2', 'op3', 'op4', 'op5']) unauthorized(await call(token));
});

test('bound tokens are worth nothing without the proof of their key', async () => {
  unauthorized(await call(await issuer.sign({ aud: resource(), cnf: { jkt: 'x' } })));
  unauthorized(await call(await issuer.sign({ aud: resource(), cnf: { 'x5t#S256': 'x' } })));
  unauthorized(await call(await issuer.sign({ aud: resource(), cnf: { unknown: 'x' } })));
});

test('an issuer that cannot be reached is no reason to believe a token, nor to throw it away', async () => {
  const gone = await startIssuer('ES256');
  await gone[Symbol.asyncDispose]();
  await using own = await startGateway({
    authentication: { issuers: { gone: { issuer: gone.issuer } } },
    servers: { witness: { url: witness.url } },
  });
  const answer = await sendRaw({
    url: own.endpoint('witness'),
    headers: [
      ...modernHeaders('tools/call', 'open'),
      ['Authorization', `Bearer ${await gone.sign({ aud: own.endpoint('witness') })}`],
    ],
    body: modernCall('open'),
  });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('retry-after'), '5');
});

test('failed authentication is slowed down by source, and who is already in goes on', async () => {
  await using own = await startGateway({
    authentication: { issuers: { main: { issuer: issuer.issuer } } },
    callers: { users: { dana: {} } },
    servers: { witness: { url: witness.url } },
    connections: [{ name: 'dana', from: { user: 'dana' }, to: 'witness', tools: [{ allow: 'open' }] }],
  });
  const aud = own.endpoint('witness');
  const send = (token: string): Promise<RawAnswer> =>
    sendRaw({
      url: aud,
      headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${token}`]],
      body: modernCall('open'),
    });
  const known = await issuer.sign({ aud });
  allowed(await send(known));
  const statuses: number[] = [];
  for (let index = 0; index < 16; index++)
    statuses.push((await send(await issuer.sign({ aud, exp: 1, sub: `guess-${index}` }))).status);
  assert.deepEqual(
    statuses.slice(0, 10),
    Array.from({ length: 10 }, () => 401),
  );
  const slowed = await send(await issuer.sign({ aud, exp: 1 }));
  assert.ok(statuses.includes(429) || slowed.status === 429, JSON.stringify(statuses));
  allowed(await send(known));
  assert.match(own.errors(), /authentication fails too often/);
});
