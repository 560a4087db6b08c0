/** Documents on the network that try to choose where the gateway connects to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';
import { modernCall, modernHeaders, sendRaw } from './raw.ts';
import { startWitness } from './witness.ts';

/** Accepts connections and counts them: each one has passed the guard. */
async function startTrap() {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

async function statusWith(issuer: Issuer, egress: readonly string[] = []): Promise<{ status: number; errors: string }> {
  await using witness = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway(
    {
      authentication: { issuers: { main: { issuer: issuer.issuer } } },
      egress: { allow: egress },
      callers: { users: { dana: {} } },
      servers: { witness: { url: witness.url } },
      connections: [{ name: 'dana', from: { user: 'dana' }, to: 'witness', tools: [{ allow: 'open' }] }],
    },
    { env: { NODE_OPTIONS: `--import ${join(import.meta.dirname, 'moving-dns.ts')}` } },
  );
  const token = await issuer.sign({ aud: gateway.endpoint('witness') });
  const { status } = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${token}`]],
    body: modernCall('open'),
  });
  return { status, errors: gateway.errors() };
}

test('12 metadata that points to 169.254.169.254 is refused', async () => {
  await using issuer = await startIssuer();
  for (const host of [
    'http://169.254.169.254',
    'https://169.254.169.254',
    'https://[::ffff:a9fe:a9fe]',
    'https://2852039166',
  ]) {
    issuer.metadata = { issuer: issuer.issuer, jwks_uri: `${host}/jwks` };
    const { status, errors } = await statusWith(issuer);
    assert.equal(status, 503);
    assert.match(errors, /is not https|leads to an address that is not public/);
  }
});

test('metadata that points to another service of this machine is refused, and reached once the operator allows it', async () => {
  await using issuer = await startIssuer();
  await using other = await startIssuer();
  other.on('/jwks', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: issuer.publicKeys() }));
  });
  issuer.metadata = { issuer: issuer.issuer, jwks_uri: `${other.issuer}/jwks` };
  assert.equal((await statusWith(issuer)).status, 503);
  assert.equal((await statusWith(issuer, [other.issuer])).status, 200);
});

test('metadata that is redirected is not followed', async () => {
  await using issuer = await startIssuer();
  await using trap = await startTrap();
  issuer.on('/.well-known/oauth-authorization-server', (_request, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${trap.port}/` }).end(),
  );
  assert.equal((await statusWith(issuer)).status, 503);
  assert.equal(trap.connections(), 0);
});

test('14 metadata of another issuer is not used', async () => {
  await using issuer = await startIssuer();
  issuer.metadata = { issuer: 'https://elsewhere.example', jwks_uri: `${issuer.issuer}/jwks` };
  const { status, errors } = await statusWith(issuer);
  assert.equal(status, 503);
  assert.match(errors, /names another issuer/);
  assert.equal(issuer.fetches(), 0);
});

test('a name that leads inside, and a name whose answer changes between check and connect', async () => {
  await using issuer = await startIssuer();
  await using trap = await startTrap();
  for (const name of ['inside.example', 'a.moving.example']) {
    issuer.metadata = { issuer: issuer.issuer, jwks_uri: `https://${name}:${trap.port}/jwks` };
    const { status } = await statusWith(issuer);
    assert.equal(status, 503, name);
    assert.equal(trap.connections(), 0, name);
  }
  issuer.metadata = { issuer: issuer.issuer, jwks_uri: `https://inside.example:${trap.port}/jwks` };
  await statusWith(issuer, ['inside.example']);
  assert.ok(trap.connections() > 0, 'the trap works: an allowed name gets there');
});
