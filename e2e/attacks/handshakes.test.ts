/** A server that refuses the handshake chooses the words that the operator reads about it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openSettings, startGateway } from '../harness.ts';
import { modernCall, modernHeaders, sendRaw } from './raw.ts';
import { sendJson } from './witness.ts';

const token = 't0ken-that-must-stay-secret';

/** Refuses whatever it is asked, with everything that it was sent, in this place of a long message. */
async function startRefusing(before: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { id } = JSON.parse(body) as { id: number };
      const { authorization = String(request.headers['x-tenant']) } = request.headers;
      const message = `${before}${authorization}${'!'.repeat(100_000)}`;
      sendJson(response, { jsonrpc: '2.0', id, error: { code: -32_603, message } });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

for (const era of ['legacy', 'modern'] as const)
  for (const [what, sends] of [
    ['a credential', { credential: { bearer: '${env:TOKEN}' } }],
    ['a secret in a fixed header', { headers: { 'X-Tenant': 'Bearer ${env:TOKEN}' } }],
  ] as const)
    for (const [where, before] of [
      ['at the beginning', '\u001b[2J\r\nforged line\u2028\u202e '],
      // What is cut must have been searched as a whole.
      ['over the place where it is cut', 'x'.repeat(245)],
    ] as const)
      test(`${era}: ${what} ${where} of a refused handshake is not in the log`, { timeout: 30_000 }, async () => {
        await using server = await startRefusing(before);
        await using gateway = await startGateway(
          openSettings('client', { refusing: { url: server.url, era, ...sends } }),
          { env: { TOKEN: token } },
        );
        const answer = await sendRaw({
          url: gateway.endpoint('refusing'),
          headers: modernHeaders('tools/call', 'open'),
          body: modernCall('open'),
        });
        await gateway.until(() => gateway.errors().includes('"server not connected"'));
        const lines = gateway
          .errors()
          .split('\n')
          .filter((line) => line.includes('server not connected'));
        const { problem } = JSON.parse(lines[0] ?? '{}') as { readonly problem?: string };
        assert.match(problem ?? '', /refused the handshake with -32603: /);
        assert.match(problem ?? '', where === 'at the beginning' ? /forged line {3}Bearer \(hidden\)!/ : /x{200}/);
        assert.ok((problem ?? '').length <= 300, problem);
        assert.doesNotMatch(problem ?? '', /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        // Beginnings of it are as bad.
        for (const text of [gateway.errors(), answer.body]) assert.ok(!text.includes(token.slice(0, 6)), text);
      });
