/** TLS towards servers: own authorities, pins, a certificate of the gateway, and what happens without them. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { type Authority, makeAuthority, type Pair } from './certificates.ts';
import { openSettings, startGateway } from './harness.ts';
import { said, startTlsServer } from './tls-server.ts';

let authority: Authority;
let server: Pair;
let client: Pair;

before(() => {
  authority = makeAuthority();
  server = authority.issue('server', 'IP:127.0.0.1');
  client = authority.issue('client', 'DNS:gateway.example');
});
after(() => authority[Symbol.dispose]());

interface Reached {
  readonly ok: boolean;
  /** What the log says of the server. */
  readonly errors: string;
  readonly probe: string;
}

/** One call to each of these servers, and what `server probe` says; both must agree. */
async function reached<Name extends string>(servers: Readonly<Record<Name, object>>): Promise<Record<Name, Reached>> {
  await using gateway = await startGateway(openSettings('a', servers));
  const found: [string, Reached][] = [];
  for (const name of Object.keys(servers)) {
    const answer = await sendRaw({
      url: gateway.endpoint(name),
      headers: modernHeaders('tools/call', 'open'),
      body: modernCall('open'),
    });
    const ok = answer.body.includes(said);
    const probe = await runCommandHere('server', 'probe', name, '--config', gateway.config);
    assert.equal(probe.code, ok ? 0 : 1, probe.stdout);
    const lines = gateway.errors().split('\n');
    found.push([
      name,
      { ok, errors: lines.filter((line) => line.includes(`"${name}"`)).join('\n'), probe: probe.stdout },
    ]);
  }
  return Object.fromEntries(found) as Record<Name, Reached>;
}

test('a server is verified: its authority must be known, and its key pinned where pins are declared', async () => {
  await using target = await startTlsServer({ cert: server.cert, key: server.key });
  const { url } = target;
  const authorities = `\${file:${authority.certFile}}`;
  const spki = new X509Certificate(server.cert).publicKey.export({ type: 'spki', format: 'der' });
  const pin = `sha256/${createHash('sha256').update(spki).digest('base64')}`;
  const wrong = `sha256/${Buffer.alloc(32).toString('base64')}`;
  const { unknown, known, unpinned, pinned } = await reached({
    unknown: { url },
    known: { url, tls: { authorities } },
    unpinned: { url, tls: { authorities, pins: [wrong] } },
    pinned: { url, tls: { authorities, pins: [wrong, pin] } },
  });
  assert.equal(unknown.ok, false, 'an unknown authority');
  assert.match(unknown.probe, /FAILED {2}TLS/);
  assert.equal(known.ok, true);
  assert.match(known.probe, /ok {6}TLS .*certificate of server/);
  assert.equal(unpinned.ok, false);
  assert.match(unpinned.probe, /FAILED {2}TLS .*not pinned/);
  assert.equal(pinned.ok, true, 'the current and the next');
});

test('insecure has an end, and is shouted about until then', async () => {
  await using target = await startTlsServer({ cert: server.cert, key: server.key });
  const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const { open, over } = await reached({
    open: { url: target.url, tls: { insecureUntil: day(2) } },
    over: { url: target.url, tls: { insecureUntil: day(-1) } },
  });
  assert.equal(open.ok, true);
  assert.match(open.errors, /THE CERTIFICATE OF THIS SERVER IS NOT VERIFIED/);
  assert.match(open.probe, /ok {6}TLS .*NOT VERIFIED until/);
  assert.equal(over.ok, false, 'the day has come');
});

test('a server that asks for a certificate gets that of the gateway', async () => {
  await using target = await startTlsServer({
    cert: server.cert,
    key: server.key,
    requestCert: true,
    ca: authority.cert,
  });
  const { url } = target;
  const authorities = `\${file:${authority.certFile}}`;
  const own = { certificate: `\${file:${client.certFile}}`, key: `\${file:${client.keyFile}}` };
  const { without, withOne } = await reached({
    without: { url, tls: { authorities } },
    withOne: { url, tls: { authorities, ...own } },
  });
  assert.equal(without.ok, false);
  assert.equal(withOne.ok, true);
});
