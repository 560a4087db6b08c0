import assert from 'node:assert/strict';
import type { lookup as Lookup } from 'node:dns';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPublic } from './addresses.ts';
import { guardedFetch } from './fetch.ts';
import { egressGuard } from './guard.ts';

test('addresses that are not public, in every spelling', () => {
  for (const address of [
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'ff02::1',
    'not an address',
    '',
  ])
    assert.equal(isPublic(address), false, address);
  for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])
    assert.equal(isPublic(address), true, address);
});

test('any address of a private network is refused, however its URL is written', () => {
  const guard = egressGuard([]);
  const seed = Date.now() & 0x7fffffff;

  const networks = [0x7f000000, 0x0a000000, 0xa9fe0000, 0xc0a80000] as const;
  const inNetwork = fc
    .tuple(fc.constantFrom(...networks), fc.nat(0xffff))
    .map(([network, host]) => (network | host) >>> 0);
  fc.assert(
    fc.property(inNetwork, (address) => {
      const octets = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
      for (const host of [
        octets.join('.'),
        String(address),
        `0x${address.toString(16)}`,
        octets.map((octet) => `0${octet.toString(8)}`).join('.'),
        `[::ffff:${octets.join('.')}]`,
      ])
        assert.ok(guard.refusal(new URL(`https://${host}/`)) !== undefined, host);
    }),
    { seed, verbose: true },
  );
});

test('what an operator opens is open, and nothing beside it', () => {
  const guard = egressGuard(['10.1.0.0/16', 'idp.internal', 'http://127.0.0.1:9000', '192.168.1.5', 'fd00::/8']);
  const url = (text: string) => guard.refusal(new URL(text));
  assert.equal(url('https://10.1.2.3/'), undefined);
  assert.ok(url('https://10.2.2.3/'));
  assert.ok(url('http://10.1.2.3/'), 'still https');
  assert.equal(url('http://127.0.0.1:9000/jwks'), undefined);
  assert.ok(url('http://127.0.0.1:9001/jwks'));
  assert.equal(url('https://192.168.1.5/'), undefined);
  assert.equal(url('https://[fd12::1]/'), undefined);
  assert.ok(url('https://me:secret@idp.internal/'));
  assert.equal(guard.addressAllowed(new URL('https://idp.internal/'), '10.9.9.9'), true);
  assert.equal(guard.addressAllowed(new URL('https://elsewhere.example/'), '10.9.9.9'), false);
});

/** A resolver that gives these answers, one after the other. */
function answers(...sequence: (readonly string[])[]) {
  let asked = 0;
  const resolver = ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
    const addresses = sequence[Math.min(asked++, sequence.length - 1)] ?? [];
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof Lookup;
  return { resolver, asked: () => asked };
}

async function serve(listener: RequestListener) {
  let connections = 0;
  const server = createServer(listener).on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a DNS answer that changes between check and connect: the name is looked up once, and that is what counts', async () => {
  await using inside = await serve((_request, response) => response.end('secret'));
  const { resolver, asked } = answers(['127.0.0.1'], ['8.8.8.8']);
  const answer = await guardedFetch(egressGuard([]), { lookup: resolver })(`https://rebind.example:${inside.port}/`);
  assert.deepEqual(answer, {
    ok: false,
    refused: true,
    problem: `https://rebind.example:${inside.port} leads to an address that is not public`,
  });
  assert.equal(asked(), 1);
  assert.equal(inside.connections(), 0);
});

test('one private address among public ones makes the name suspicious', async () => {
  await using inside = await serve((_request, response) => response.end('secret'));
  const { resolver } = answers(['8.8.8.8', '127.0.0.1']);
  const answer = await guardedFetch(egressGuard([]), { lookup: resolver })(`https://mixed.example:${inside.port}/`);
  assert.ok(!answer.ok && answer.refused);
  assert.equal(inside.connections(), 0);
});

test('13 a redirect to a private address is refused, also from where the operator pointed', async () => {
  for (const location of [
    'http://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    '//127.0.0.1:1/',
    'file:///etc/passwd',
  ]) {
    await using first = await serve((_request, response) => response.writeHead(302, { location }).end());
    const answer = await guardedFetch(egressGuard([]))(`${first.origin}/`, { operator: true, redirects: 3 });
    assert.ok(!answer.ok && answer.refused, location);
  }
});

test('redirects are not followed unless asked for, never for a POST, and not without end', async () => {
  await using loop = await serve((_request, response) => response.writeHead(302, { location: '/' }).end());
  const fetch = guardedFetch(egressGuard([loop.origin]));
  assert.ok(!(await fetch(`${loop.origin}/`)).ok);
  assert.equal(loop.connections(), 1);
  assert.ok(!(await fetch(`${loop.origin}/`, { method: 'POST', body: 'secret', redirects: 3 })).ok);
  assert.equal(loop.connections(), 2);
  assert.ok(!(await fetch(`${loop.origin}/`, { redirects: 3 })).ok);
  assert.equal(loop.connections(), 6);
});

test('answers are bounded in bytes and in time', async () => {
  await using big = await serve((_request, response) => response.end('x'.repeat(2_000)));
  await using slow = await serve(() => {});
  const fetch = guardedFetch(egressGuard([big.origin, slow.origin]));
  assert.equal((await fetch(`${big.origin}/`, { limit: 2_000 })).ok, true);
  assert.deepEqual(await fetch(`${big.origin}/`, { limit: 1_999 }), {
    ok: false,
    refused: false,
    problem: `${big.origin}: answers too much`,
  });
  const late = await fetch(`${slow.origin}/`, { within: 50 });
  assert.ok(!late.ok && late.problem.endsWith('took too long'));
});
