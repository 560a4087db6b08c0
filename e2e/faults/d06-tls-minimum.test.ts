/** The oldest version of TLS towards a server can be raised. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { makeAuthority } from '../certificates.ts';
import { openSettings, startGateway } from '../harness.ts';

test('D6: a server that only has TLS 1.2 is not spoken to where 1.3 is the minimum', async (context) => {
  using authority = makeAuthority();
  const { cert, key } = authority.issue('old', 'IP:127.0.0.1');
  await using witness = await startWitness([{ name: 'open' }]);
  const old = createServer({ cert, key, maxVersion: 'TLSv1.2' }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = 'GET' } = request;
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const asked = method === 'POST' ? { method, headers, body: Buffer.concat(chunks) } : { method };
      fetch(witness.url, asked).then(
        async (answer) =>
          response
            .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
            .end(await answer.text()),
        () => response.destroy(),
      );
    });
  }).listen(0, '127.0.0.1');
  await once(old, 'listening');
  context.after(() => old.closeAllConnections());
  context.after(() => old.close());
  const url = `https://127.0.0.1:${(old.address() as AddressInfo).port}/mcp`;
  const tls = { authorities: `\${file:${authority.certFile}}` };
  const servers = { usual: { url, tls }, raised: { url, tls: { ...tls, minimum: '1.3' } } };
  await using gateway = await startGateway(openSettings('bot', servers));
  const call = async (name: string): Promise<string> => {
    const answer = await sendRaw({
      url: gateway.endpoint(name),
      headers: modernHeaders('tools/call', 'open'),
      body: modernCall('open'),
    });
    return answer.body;
  };
  assert.match(await call('usual'), /the witness was called/);
  assert.match(await call('raised'), /cannot be reached/);
  assert.equal(witness.calls().length, 1);
});
