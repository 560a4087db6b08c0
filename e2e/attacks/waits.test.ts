/** Waits for others than the server of a call: token endpoints and introspection that do not answer. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startGateway } from '../harness.ts';
import { startIssuer } from '../issuer.ts';
import { modernCallWith, sendRaw } from './raw.ts';
import { startWitness } from './witness.ts';

const tools = [{ allow: '*' }];

test('S3: a token endpoint that hangs costs a caller nothing at other servers', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<() => void>();
  issuer.on('/token', (_request, response) => asked(() => response.writeHead(503).end()));
  const credential = {
    clientCredentials: { tokenUrl: `${issuer.issuer}/token`, clientId: 'gateway', clientSecret: '${env:S}' },
  };
  await using gateway = await startGateway(
    {
      callers: { agents: { bot: {} } },
      servers: { stuck: { url: witness.url, credential }, fine: { url: witness.url } },
      connections: [{ name: 'all', from: { anyone: true }, to: ['stuck', 'fine'], tools }],
      bounds: { concurrency: 16 },
    },
    { env: { S: 's3cret-s3cret' } },
  );
  const key = gateway.key('bot');
  const call = (url: string, tool: string) => sendRaw(modernCallWith({ url, key, tool }));
  const portal = `${gateway.mcp}/mcp`;
  assert.match((await call(portal, 'fine__open')).body, /the witness was called/);
  let ended = 0;
  const stuck = Array.from({ length: 40 }, (_, at) =>
    (at % 2 === 0 ? call(gateway.endpoint('stuck'), 'open') : call(portal, 'stuck__open')).finally(() => ended++),
  );
  const answer = await isAsked;
  for (let at = 0; at < 10; at++) {
    assert.match((await call(portal, 'fine__open')).body, /the witness was called/);
    assert.match((await call(gateway.endpoint('fine'), 'open')).body, /the witness was called/);
  }
  assert.ok(ended < 40, 'these calls still wait');
  answer();
  const statuses = (await Promise.all(stuck)).map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200, 429]), 'a tool result that says so, or no room');
  assert.equal(witness.calls().length, 21);
});

test('S7: introspection that hangs for one issuer delays no credential of another, however many tokens wait for it', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using slow = await startIssuer();
  await using quick = await startIssuer();
  await using main = await startIssuer();
  const flooded = Promise.withResolvers<void>();
  const waiting = 1_050;
  const most = 500;
  const held: (() => void)[] = [];
  let isOver = false;
  slow.on('/introspect', (_request, response) => {
    const answer = () => response.writeHead(503).end();
    if (isOver) return answer();
    held.push(answer);
    if (held.length === most) flooded.resolve();
  });
  let aud = '';
  quick.on('/introspect', (_request, response, body) => {
    const token = new URLSearchParams(body).get('token') ?? '';
    const claims = token.startsWith('quick')
      ? { active: true, iss: quick.issuer, sub: 'dana', aud }
      : { active: false };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(claims));
  });
  const introspection = (issuer: string) => ({
    issuer,
    introspection: { url: `${issuer}/introspect`, clientId: 'gateway', clientSecret: '${env:S}' },
  });
  await using gateway = await startGateway(
    {
      authentication: {
        issuers: {
          slow: { ...introspection(slow.issuer), prefix: 'slow/' },
          quick: { ...introspection(quick.issuer), prefix: 'quick/' },
          main: { issuer: main.issuer },
        },
        freeFailures: 1_000_000,
      },
      callers: { agents: { bot: {} }, users: { dana: {}, 'quick/dana': {} } },
      servers: { s: { url: witness.url } },
      connections: [{ name: 'all', from: { anyone: true }, to: 's', tools }],
    },
    { env: { S: 's3cret-s3cret' } },
  );
  const url = gateway.endpoint('s');
  aud = url;
  const call = (credential: string) => sendRaw(modernCallWith({ url, key: credential, tool: 'open' }));
  // The issuer that hangs is asked first. The first of its own waits for it, and one of another issuer does not.
  const first = call('slow-token');
  assert.match((await call('quick-token')).body, /the witness was called/);
  const all = Array.from({ length: waiting }, () => call(randomBytes(16).toString('hex')));
  await flooded.promise;
  for (const credential of [gateway.key('bot'), await main.sign({ aud, sub: 'dana' }), 'quick-token'])
    assert.match((await call(credential)).body, /the witness was called/, credential);
  const asked = held.length;
  isOver = true;
  for (const answer of held) answer();
  const statuses = new Set((await Promise.all([first, ...all])).map(({ status }) => status));
  assert.deepEqual([...statuses], [503], 'nothing is known of these');
  assert.ok(asked <= 2 * most, `${asked} at the same time`);
});
