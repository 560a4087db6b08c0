/** Client certificates and tokens bound to them, over TLS, with certificates made here. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { connect, type SecureVersion } from 'node:tls';
import { type Authority, makeAuthority, type Pair } from '../certificates.ts';
import { type Gateway, startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';
import { patienceMs } from '../process.ts';
import { modernCall, modernHeaders } from './raw.ts';
import { startWitness, type Witness } from './witness.ts';

let authority: Authority;
let stranger: Authority;
let bot: Pair;
let later: Pair;
let revoked: Pair;
let unnamed: Pair;
let foreign: Pair;
let witness: Witness;
let issuer: Issuer;
let gateway: Gateway;

before(async () => {
  authority = makeAuthority();
  stranger = makeAuthority();
  const server = authority.issue('server', 'IP:127.0.0.1');
  bot = authority.issue('bot', 'URI:spiffe://corp/agents/bot');
  later = authority.issue('later', 'URI:spiffe://corp/agents/bot,DNS:later.example');
  revoked = authority.issue('revoked', 'URI:spiffe://corp/agents/bot');
  unnamed = authority.issue('unnamed', 'URI:spiffe://corp/agents/unlisted');
  foreign = stranger.issue('foreign', 'URI:spiffe://corp/agents/bot');
  authority.revoke(revoked);
  witness = await startWitness([{ name: 'open' }]);
  issuer = await startIssuer();
  gateway = await startGateway({
    listen: {
      mcp: {
        port: 0,
        tls: {
          certificate: server.certFile,
          key: server.keyFile,
          clients: { authorities: authority.certFile, revoked: authority.crlFile },
        },
      },
      admin: { port: 0 },
    },
    authentication: {
      certificates: [{ name: 'URI:spiffe://corp/agents/bot', agent: 'bot' }],
      issuers: { main: { issuer: issuer.issuer } },
    },
    callers: { agents: { bot: {} }, users: { dana: {} } },
    servers: { witness: { url: witness.url } },
    connections: [
      { name: 'bot', from: { agent: 'bot' }, to: 'witness', tools: [{ allow: 'open' }] },
      { name: 'dana', from: { user: 'dana' }, to: 'witness', tools: [{ allow: 'open' }] },
    ],
  });
});

after(async () => {
  await gateway.stop();
  await issuer[Symbol.asyncDispose]();
  await witness[Symbol.asyncDispose]();
  authority[Symbol.dispose]();
  stranger[Symbol.dispose]();
});

/** The status of a call, or the error of the connection. */
function call(pair: Pair | undefined, token?: string): Promise<number | string> {
  return new Promise((resolve) => {
    const sent = request(
      gateway.endpoint('witness'),
      {
        method: 'POST',
        agent: false,
        ca: authority.cert,
        ...(pair === undefined ? {} : { cert: pair.cert, key: pair.key }),
        headers: {
          ...Object.fromEntries(modernHeaders('tools/call', 'open')),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    sent.end(modernCall('open'));
  });
}

test('a call with a certificate, one without, one revoked, one of another authority, one unlisted', async () => {
  assert.equal(await call(bot), 200);
  assert.equal(await call(undefined), 401);
  assert.equal(typeof (await call(revoked)), 'string', 'the connection ends');
  assert.equal(typeof (await call(foreign)), 'string');
  assert.equal(await call(unnamed), 401);
  assert.equal(witness.calls().length, 1);
});

const day = 86_400_000;

/** The log comes through a pipe. */
async function logged(text: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!gateway.errors().includes(text)) {
    assert.ok(Date.now() < deadline, gateway.errors());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('an expired client certificate is refused', async () => {
  const now = Date.now();
  const expired = authority.issueFor('expired', 'URI:spiffe://corp/agents/bot', now - 2 * day, now - 60_000);
  const before = witness.calls().length;
  assert.equal(typeof (await call(expired)), 'string', 'the connection ends');
  assert.equal(witness.calls().length, before);
  await logged('CERT_HAS_EXPIRED');
  const key = gateway.key('bot');
  assert.equal(typeof (await call(expired, key)), 'string');
  assert.equal(witness.calls().length, before, 'nothing is read from its connection, whatever else it brings');
  assert.equal(await call(undefined, key), 200);
});

test('a client certificate that is not valid yet is refused', async () => {
  const now = Date.now();
  const early = authority.issueFor('early', 'URI:spiffe://corp/agents/bot', now + day, now + 2 * day);
  const good = authority.issueFor('good', 'URI:spiffe://corp/agents/bot', now - 60_000, now + day);
  const before = witness.calls().length;
  assert.equal(typeof (await call(early)), 'string', 'the connection ends');
  assert.equal(witness.calls().length, before);
  await logged('CERT_NOT_YET_VALID');
  assert.equal(await call(good), 200, 'only the time is wrong with it');
});

test('20 a token that is bound to a certificate counts only over a connection with that certificate', async () => {
  const thumbprint = createHash('sha256').update(new X509Certificate(bot.cert).raw).digest('base64url');
  const aud = gateway.endpoint('witness');
  const token = await issuer.sign({ aud, cnf: { 'x5t#S256': thumbprint } });
  assert.equal(await call(bot, token), 200);
  assert.equal(await call(undefined, token), 401);
  assert.equal(await call(later, token), 401, 'another valid certificate of the same agent');
});

test('versions before TLS 1.2 are refused', async () => {
  const { hostname, port } = new URL(gateway.mcp);
  const offered = (version: SecureVersion): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({
        host: hostname,
        port: Number(port),
        ca: authority.cert,
        minVersion: version,
        maxVersion: version,
        ciphers: 'ALL:@SECLEVEL=0',
      });
      socket.on('secureConnect', () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
      socket.on('error', () => resolve('refused'));
    });
  assert.equal(await offered('TLSv1'), 'refused');
  assert.equal(await offered('TLSv1.1'), 'refused');
  assert.equal(await offered('TLSv1.2'), 'TLSv1.2');
  assert.equal(await offered('TLSv1.3'), 'TLSv1.3');
});

test('a certificate that is revoked while the gateway runs is refused once the list is read', async () => {
  assert.equal(await call(later), 200);
  authority.revoke(later);
  const deadline = Date.now() + patienceMs;
  let status: number | string = 200;
  while (status === 200 && Date.now() < deadline) status = await call(later);
  assert.equal(typeof status, 'string', String(status));
  assert.equal(await call(bot), 200);
});

test('a new server certificate is taken over without a restart', async () => {
  const next = authority.issue('next', 'IP:127.0.0.1');
  copyFileSync(next.keyFile, `${authority.folder}/server.key`);
  copyFileSync(next.certFile, `${authority.folder}/server.pem`);
  const { hostname, port } = new URL(gateway.mcp);
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), ca: authority.cert }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  const deadline = Date.now() + patienceMs;
  let name = await shown();
  while (name !== 'next' && Date.now() < deadline) name = await shown();
  assert.equal(name, 'next');
});
