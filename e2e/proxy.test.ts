/** Servers and token endpoints behind the proxy of a company: HTTPS_PROXY, NO_PROXY, CONNECT with authentication. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { type Authority, makeAuthority, type Pair } from './certificates.ts';
import { gatewayFile, openSettings, startGateway } from './harness.ts';
import { runToEnd } from './process.ts';
import { said, startTlsServer } from './tls-server.ts';

let authority: Authority;
let pair: Pair;

before(() => {
  authority = makeAuthority();
  pair = authority.issue('server', 'DNS:mcp.corp.test,DNS:login.corp.test');
});
after(() => authority[Symbol.dispose]());

/** Leads every name to this machine, for those who know the password. */
async function startProxy() {
  const connects: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((_request, response) => response.writeHead(501).end());
  proxy.on('connect', (request, client: Socket, head: Buffer) => {
    const expected = `Basic ${Buffer.from('gateway:p@ss').toString('base64')}`;
    client.on('error', () => client.destroy());
    if (request.headers['proxy-authorization'] !== expected) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    connects.push(request.url ?? '');
    const server = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.write(head);
      server.pipe(client).pipe(server);
    });
    server.on('error', () => client.destroy());
    for (const socket of [server, client]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  return {
    connects,
    url: (password: string) => `http://gateway:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}

async function called(settings: object, env: Readonly<Record<string, string>>) {
  await using gateway = await startGateway(openSettings('a', { notes: settings }), {
    env: { NODE_EXTRA_CA_CERTS: authority.certFile, ...env },
  });
  const answer = await sendRaw({
    url: gateway.endpoint('notes'),
    headers: modernHeaders('tools/call', 'open'),
    body: modernCall('open'),
  });
  const probe = await runToEnd({
    command: [process.execPath, gatewayFile, 'server', 'probe', 'notes', '--config', gateway.config],
    env: { NODE_EXTRA_CA_CERTS: authority.certFile, ...env },
  });
  return { reached: answer.body.includes(said), errors: gateway.errors(), probe: probe.stdout };
}

test('calls and token requests go through the proxy, with TLS to the server itself', async () => {
  await using proxy = await startProxy();
  const seen: (string | undefined)[] = [];
  await using server = await startTlsServer(
    { cert: pair.cert, key: pair.key },
    { onCall: ({ url, headers }) => seen.push(url === '/mcp' ? headers.authorization : url), token: 'from-login' },
  );
  const result = await called(
    {
      url: `https://mcp.corp.test:${server.port}/mcp`,
      credential: {
        clientCredentials: {
          tokenUrl: `https://login.corp.test:${server.port}/token`,
          clientId: 'gateway',
          clientSecret: '${env:SECRET}',
        },
      },
    },
    { HTTPS_PROXY: proxy.url('p@ss'), SECRET: 'secret' },
  );
  assert.equal(result.reached, true, result.errors);
  assert.match(result.probe, /ok {6}proxy .*leads to mcp\.corp\.test/);
  assert.ok(proxy.connects.includes(`login.corp.test:${server.port}`));
  assert.ok(proxy.connects.includes(`mcp.corp.test:${server.port}`));
  assert.equal(seen[0], '/token');
  assert.ok(seen.slice(1).every((each) => each === 'Bearer from-login' || each === '/token'));
});

test('what the proxy refuses is named in the log without its password, and NO_PROXY leads past it', async () => {
  await using proxy = await startProxy();
  await using server = await startTlsServer({ cert: pair.cert, key: pair.key });
  const settings = { url: `https://mcp.corp.test:${server.port}/mcp` };
  const refused = await called(settings, { https_proxy: proxy.url('wrong') });
  assert.equal(refused.reached, false);
  assert.match(refused.probe, /FAILED {2}proxy .*wants other credentials \(407\)/);
  assert.doesNotMatch(refused.errors + refused.probe, /wrong/);
  const past = await called(settings, { HTTPS_PROXY: proxy.url('p@ss'), NO_PROXY: 'other.test,.corp.test' });
  assert.equal(past.reached, false, 'the name leads nowhere without the proxy');
  assert.match(past.probe, /FAILED {2}DNS/);
  assert.deepEqual(proxy.connects, []);
});

test('a proxy that cannot be used ends the start, with the variable that names it', async () => {
  await assert.rejects(
    startGateway(openSettings('a', {}), { env: { ALL_PROXY: 'socks5://127.0.0.1:1' } }),
    /ALL_PROXY names a proxy that speaks socks5: only http and https are supported/,
  );
});
