/** What a server of the legacy era says beside all calls, on a stream of its own: our credential is in none of it. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { openSettings, startGateway } from '../harness.ts';
import { sendJson } from './witness.ts';

const echo = 'I was given planted-credential-5f2c';

interface Chatty extends Disposable {
  readonly url: string;
  /** Says this on the stream for messages beside calls, which is open or will be. */
  readonly say: (notification: object) => Promise<void>;
}

async function startChatty(): Promise<Chatty> {
  const stream = Promise.withResolvers<ServerResponse>();
  const answer = async (request: IncomingMessage) => {
    const { id, method } = JSON.parse(await text(request)) as { id?: number; method: string };
    const result =
      method === 'initialize'
        ? {
            protocolVersion: '2025-11-25',
            capabilities: { logging: {}, resources: { subscribe: true } },
            serverInfo: { name: 'chatty', version: '1' },
          }
        : {};
    return id === undefined ? undefined : { jsonrpc: '2.0', id, result };
  };
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      stream.resolve(response);
    } else if (request.method !== 'POST') response.writeHead(405).end();
    else
      void answer(request).then((message) => {
        response.setHeader('mcp-session-id', 'one');
        if (message === undefined) response.writeHead(202).end();
        else sendJson(response, message);
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    say: async (notification) => {
      (await stream.promise).write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...notification })}\n\n`);
    },
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a log message beside calls with the credential of the gateway in it', async ({ signal }) => {
  using server = await startChatty();
  await using gateway = await startGateway(
    openSettings('client', {
      chatty: { url: server.url, era: 'legacy', credential: { bearer: '${env:CHATTY_TOKEN}' } },
    }),
    { env: { CHATTY_TOKEN: 'planted-credential-5f2c' } },
  );
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: 'legacy' } });
  const heard = new EventEmitter();
  client.setNotificationHandler('notifications/message', ({ params }) => void heard.emit('message', params));
  const message = once(heard, 'message', { signal });
  await client.connect(new StreamableHTTPClientTransport(new URL(gateway.endpoint('chatty'))));
  // From here on the session hears its server, whether or not its own stream is there already.
  await client.subscribeResource({ uri: 'x://y' });
  await server.say({
    method: 'notifications/message',
    params: { level: 'error', logger: echo, data: { [echo]: [echo] } },
  });
  const hidden = 'I was given (hidden)';
  assert.deepEqual(await message, [{ level: 'error', logger: hidden, data: { [hidden]: [hidden] } }]);
  await client.close();
});
