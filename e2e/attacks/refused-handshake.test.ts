/** A request that comes in the same flight as the end of a handshake that is refused: it is never handled. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { type TlsSettings, tlsListener } from '../../gateway/src/listeners/http/tls.ts';
import { makeAuthority, type Pair } from '../certificates.ts';

test('what came along with a refused handshake is dropped', async () => {
  using authority = makeAuthority();
  const server = authority.issue('server', 'IP:127.0.0.1');
  const now = Date.now();
  const good = authority.issue('good', 'URI:spiffe://corp/agents/bot');
  const expired = authority.issueFor('expired', 'URI:spiffe://corp/agents/bot', now - 172_800_000, now - 60_000);
  const settings: TlsSettings = {
    certificate: server.certFile,
    key: server.keyFile,
    minimum: '1.2',
    clients: { authorities: authority.certFile, required: false },
  };
  let handled = 0;
  const listener = tlsListener(settings, {
    options: {},
    handler: (_request, response) => {
      handled += 1;
      response.end('handled');
    },
    log: { warn: () => {} },
  });
  // A test that fails must not leave a server that keeps it running.
  using _ = { [Symbol.dispose]: () => (listener.close(), void listener.server.close()) };
  listener.server.listen(0, '127.0.0.1');
  await once(listener.server, 'listening');
  const { port } = listener.server.address() as AddressInfo;
  /** Written before the handshake has begun, so that it leaves with its last message. */
  const ask = ({ cert, key }: Pair, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, cert, key, maxVersion });
      socket.on('error', () => {}).on('close', () => resolve());
      socket.resume().write('GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
    });
  for (const version of ['TLSv1.3', 'TLSv1.2', 'TLSv1.3', 'TLSv1.2'] as const) await ask(expired, version);
  assert.equal(handled, 0);
  await ask(good, 'TLSv1.3');
  assert.equal(handled, 1, 'the same with a valid certificate');
});
