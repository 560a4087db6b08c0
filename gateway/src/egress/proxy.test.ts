import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { guardedFetch } from './fetch.ts';
import { egressGuard } from './guard.ts';
import { openTunnel, proxiesOf, proxyProblem, type Tunnelled } from './proxy.ts';

const proxyOf = (env: Readonly<Record<string, string>>, url: string) => proxiesOf(env)(new URL(url))?.url.host;

test('the variables, as other programs read them', () => {
  const both = { HTTPS_PROXY: 'http://secure:1', HTTP_PROXY: 'plain:2' };
  assert.equal(proxyOf(both, 'https://server.test'), 'secure:1');
  assert.equal(proxyOf(both, 'http://server.test'), 'plain:2');
  assert.equal(proxyOf({ all_proxy: 'http://all:3' }, 'https://server.test'), 'all:3');
  assert.equal(proxyOf({ https_proxy: 'http://small:4', ...both }, 'https://server.test'), 'small:4');
  assert.equal(proxyOf({ HTTPS_PROXY: '' }, 'https://server.test'), undefined);
  for (const own of ['https://localhost', 'https://127.0.0.1:8443', 'https://127.8.9.1', 'https://[::1]'])
    assert.equal(proxyOf(both, own), undefined, own);
  assert.deepEqual(
    proxiesOf({ HTTPS_PROXY: 'http://me:p%40ss@proxy.test' })(new URL('https://a.test'))?.authorization,
    `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  );
});

test('NO_PROXY: names and what is below them, addresses, networks, ports, everything', () => {
  const past = (list: string, url: string) => proxyOf({ HTTPS_PROXY: 'http://p:1', NO_PROXY: list }, url) === undefined;
  for (const [list, url] of [
    ['corp.test', 'https://corp.test'],
    ['corp.test', 'https://a.b.corp.test'],
    ['.corp.test', 'https://a.corp.test'],
    ['*.corp.test', 'https://a.corp.test'],
    ['CORP.test', 'https://corp.TEST'],
    ['corp.test:8443', 'https://corp.test:8443'],
    ['corp.test:443', 'https://corp.test'],
    ['10.0.0.0/8', 'https://10.1.2.3'],
    ['10.1.2.3', 'https://10.1.2.3'],
    ['fd00::/8', 'https://[fd12::1]'],
    ['fd12::1', 'https://[fd12::1]'],
    ['x, *', 'https://any.test'],
  ] as const)
    assert.equal(past(list, url), true, `${list} ${url}`);
  for (const [list, url] of [
    ['corp.test', 'https://notcorp.test'],
    ['corp.test', 'https://corp.test.evil.test'],
    ['corp.test:8443', 'https://corp.test'],
    ['10.0.0.0/8', 'https://11.0.0.1'],
    ['10.0.0.0/99', 'https://10.0.0.1'],
    ['', 'https://corp.test'],
  ] as const)
    assert.equal(past(list, url), false, `${list} ${url}`);
});

test('a variable that names no proxy is named, and its password is not', () => {
  assert.match(proxyProblem({ HTTPS_PROXY: 'http://me:secret@' }) ?? '', /^HTTPS_PROXY is no URL/);
  assert.match(proxyProblem({ ALL_PROXY: 'socks5://me:secret@x:1' }) ?? '', /speaks socks5: only http and https/);
  assert.equal(proxyProblem({ HTTP_PROXY: 'proxy.test:3128' }), undefined);
  for (const each of ['http://me:secret@', 'socks5://me:secret@x:1', 'http://%:secret@x'])
    assert.doesNotMatch(proxyProblem({ HTTPS_PROXY: each }) ?? '', /secret/);
});

/** What becomes of a tunnel through a proxy that behaves like this. */
async function through(speak: (socket: Socket) => void, timeoutMs = 300): Promise<Tunnelled & { took: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    speak(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const proxy = proxiesOf({ HTTPS_PROXY: `http://127.0.0.1:${port}` })(new URL('https://a.test'));
  assert.ok(proxy !== undefined);
  const began = performance.now();
  const tunnelled = await new Promise<Tunnelled>((resolve) => {
    openTunnel(proxy, { host: 'a.test', port: 443, timeoutMs }, resolve);
  });
  server.close();
  if (tunnelled.ok) tunnelled.socket.destroy();
  return { ...tunnelled, took: performance.now() - began };
}

test('a proxy that stalls, floods, speaks something else or hangs up ends the attempt', async () => {
  const cases: readonly (readonly [RegExp, (socket: Socket) => void])[] = [
    [/did not connect within 300 ms/, () => {}],
    [/did not connect within 300 ms/, (socket) => void setInterval(() => socket.write('H'), 20).unref()],
    [/too long a head/, (socket) => socket.write('HTTP/1.1 200 OK\r\n'.padEnd(40_000, 'x'))],
    [/does not speak HTTP/, (socket) => socket.write('SSH-2.0\r\n\r\n')],
    [/answers 502 to CONNECT/, (socket) => socket.write('HTTP/1.1 502 Bad\r\n\r\n')],
    [/closed the connection/, (socket) => socket.end()],
  ];
  for (const [problem, speak] of cases) {
    const result = await through(speak);
    assert.ok(!result.ok && problem.test(result.problem), JSON.stringify(result));
    assert.ok(result.took < 5_000);
  }
});

test('behind a proxy, a name that this machine knows to lead inside is refused all the same', async () => {
  const proxyFor = proxiesOf({ HTTPS_PROXY: 'http://127.0.0.1:1' });
  const lookup = ((_host: string, _options: object, done: (error: null, found: object[]) => void) =>
    done(null, [{ address: '169.254.169.254', family: 4 }])) as never;
  const inside = await guardedFetch(egressGuard([]), { lookup, proxyFor })('https://metadata.evil.test/');
  assert.deepEqual(inside, {
    ok: false,
    refused: true,
    problem: 'https://metadata.evil.test leads to an address that is not public',
  });
  const unknown = ((_host: string, _options: object, done: (error: Error) => void) =>
    done(new Error('ENOTFOUND'))) as never;
  const free = await guardedFetch(egressGuard([]), { lookup: unknown, proxyFor })('https://outside.test/');
  assert.ok(
    !free.ok && !free.refused && free.problem.includes('the proxy 127.0.0.1:1 cannot be reached'),
    JSON.stringify(free),
  );
});
