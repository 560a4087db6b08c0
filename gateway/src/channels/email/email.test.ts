/** Mail to servers that do not behave: an attempt ends, and so does its connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setInterval as every } from 'node:timers/promises';
import { mailChannel } from './email.ts';

const message = {
  id: 'ap_a.pending',
  type: 'approval.pending',
  at: 0,
  title: 'a title',
  lines: ['a line'],
  data: {},
} as const;

test('a mail server that drips lines holds an attempt no longer than its deadline', async () => {
  const drip = async (socket: Socket): Promise<void> => {
    socket.on('error', () => {});
    socket.write('220 here\r\n');
    await once(socket, 'data');
    for await (const _ of every(20)) {
      if (socket.destroyed) return;
      socket.write('250-x\r\n');
    }
  };
  const ended: Promise<unknown>[] = [];
  const server = createServer((socket) => {
    ended.push(drip(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const channel = mailChannel(
    { server: `smtp://127.0.0.1:${port}`, from: 'a@example.com', to: ['b@example.com'], plain: true },
    300,
  );
  const sent = await channel.send(message);
  assert.deepEqual(sent, { ok: false, problem: 'it took longer than 300 ms', isFinal: false });
  assert.equal(ended.length, 1);
  // The connection is closed as well.
  await Promise.all(ended);
  server.close();
});

test('an address that no mail server can have is a problem, not an exception', async () => {
  const options = { server: 'smtp://', from: 'a@example.com', to: ['b@example.com'], plain: true };
  assert.equal((await mailChannel(options, 1_000).send(message)).ok, false);
});
