/** The admin listener with clients that ask and do not read. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { type AdminListener, adminConnections, listenAdmin } from './listener.ts';

const host = '127.0.0.1';

async function listening(text: string, stillMs?: number) {
  let asked = 0;
  const admin = await listenAdmin(
    { host, port: 0, allowedHosts: [], allowedNetworks: [] },
    {
      problems: () => [],
      metrics: () => {
        asked++;
        return Promise.resolve({ type: 'text/plain', text });
      },
      connections: adminConnections({ warn: () => {} }),
      log: { warn: () => {} },
    },
    stillMs === undefined ? {} : { stillMs },
  );
  return { admin, asked: () => asked, [Symbol.asyncDispose]: () => admin.close() };
}

/** Writes the requests, and waits, without reading, until the listener has ended the connection. */
async function hungUp({ port }: AdminListener, requests: string): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    const onSocket = (message: unknown): void => {
      unsubscribe('net.server.socket', onSocket);
      (message as { readonly socket: Socket }).socket.once('close', () => resolve());
    };
    subscribe('net.server.socket', onSocket);
  });
  const socket = connect({ host, port });
  socket.on('error', () => socket.destroy());
  socket.write(requests);
  await ended;
  socket.destroy();
}

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

test('of many requests that are sent at once without reading one is answered', async () => {
  for (const path of ['/metrics', '/healthz']) {
    await using listener = await listening('x'.repeat(100_000));
    await hungUp(listener.admin, request(path).repeat(200));
    assert.ok(listener.asked() <= 1, `${path}: ${listener.asked()} answers were made`);
  }
});

test('requests one after the other are answered on one connection', async () => {
  await using listener = await listening('x'.repeat(100_000));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const connections = new Set<Socket>();
  for (let asked = 1; asked <= 20; asked++) {
    const sent = get({ host, port: listener.admin.port, path: '/metrics', agent });
    sent.once('socket', (socket) => void connections.add(socket));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    assert.equal((await buffer(response)).length, 100_000);
  }
  agent.destroy();
  assert.deepEqual([listener.asked(), connections.size], [20, 1]);
});

test('an answer that is not read ends with its connection', async () => {
  await using listener = await listening('x'.repeat(32_000_000), 100);
  await hungUp(listener.admin, request('/metrics'));
  assert.equal(listener.asked(), 1);
});
