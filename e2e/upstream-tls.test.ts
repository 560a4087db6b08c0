/** TLS towards servers: own authorities, pins, a certificate of the gateway, and what happens without them. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { type Authority, makeAuthority, type Pair } from './certificates.ts';
import { openSettings, startGateway } from './harness.ts';
import { runToEnd } from './process.ts';
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

/** One call, and what `server probe` says; both must agree. */
async function reached(url: string, tls: object | undefined): Promise<{ ok: boolean; errors: string; probe: string }> {
  await using gateway = await startGateway(openSettings('a', { notes: { url, ...(tls && { tls }) } }));
  const answer = await sendRaw({
    url: gateway.endpoint('notes'),
    headers: modernHeaders('tools/call', 'open'),
    body: modernCall('open'),
  });
  const ok = answer.body.includes(said);
  const program = 'gateway/bin/sallyport.js';
  const probe = await runToEnd({
    command: [process.execPath, program, 'server', 'probe', 'notes', '--config', gateway.config],
  });
  assert.equal(probe.code, ok ? 0 : 1, probe.stdout);
  return { ok, errors: gateway.errors(), probe: probe.stdout };
}

test('a server is verified: its authority must be known, and its key pinned where pins are declared', async () => {
  await using target = await startTlsServer({ cert: server.cert, key: server.key });
  const authorities = `\${file:${authority.certFile}}`;
  const spki = new X509Certificate(server.cert).publicKey.export({ type: 'spki', format: 'der' });
  const pin = `sha256/${createHash('sha256').update(spki).digest('base64')}`;
  const wrong = `sha256/${Buffer.alloc(32).toString('base64')}`;
  const unknown = await reached(target.url, undefined);
  assert.equal(unknown.ok, false, 'an unknown authority');
  assert.match(unknown.probe, /FAILED {2}TLS/);
  const known = await reached(target.url, { authorities });
  assert.equal(known.ok, true);
  assert.match(known.probe, /ok {6}TLS .*certificate of server/);
  const unpinned = await reached(target.url, { authorities, pins: [wrong] });
  assert.equal(unpinned.ok, false);
  assert.match(unpinned.probe, /FAILED {2}TLS .*not pinned/);
  assert.equal((await reached(target.url, { authorities, pins: [wrong, pin] })).ok, true, 'the current and the next');
});

test('insecure has an end, and is shouted about until then', async () => {
  await using target = await startTlsServer({ cert: server.cert, key: server.key });
  const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
  const open = await reached(target.url, { insecureUntil: day(2) });
  assert.equal(open.ok, true);
  assert.match(open.errors, /THE CERTIFICATE OF THIS SERVER IS NOT VERIFIED/);
  assert.match(open.probe, /ok {6}TLS .*NOT VERIFIED until/);
  assert.equal((await reached(target.url, { insecureUntil: day(-1) })).ok, false, 'the day has come');
});

test('a server that asks for a certificate gets that of the gateway', async () => {
  await using target = await startTlsServer({
    cert: server.cert,
    key: server.key,
    requestCert: true,
    ca: authority.cert,
  });
  const authorities = `\${file:${authority.certFile}}`;
  assert.equal((await reached(target.url, { authorities })).ok, false);
  const own = { certificate: `\${file:${client.certFile}}`, key: `\${file:${client.keyFile}}` };
  assert.equal((await reached(target.url, { authorities, ...own })).ok, true);
});
