/** Bodies that are read for a proof first, and then as a message. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Shares } from '../../pipeline/shares.ts';
import { answerUnread, type BodyResult, RequestBody } from './body.ts';

const length = 60_000;

test('what was read for a proof counts for its caller from then on, and no more when it is answered', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const budget = new Shares({ maxOfOwner: 100_000, max: 1_000_000 });
  const open: { readonly body: RequestBody; readonly response: ServerResponse }[] = [];
  /** As a caller whose proof covers the body; what its message is read as. */
  const send = async (caller: string): Promise<BodyResult> => {
    const arrived = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    const asked = request({ host: '127.0.0.1', port, method: 'POST', headers: { 'content-length': length } });
    asked.on('error', () => {});
    asked.end('x'.repeat(length));
    const [incoming, response] = await arrived;
    const body = new RequestBody(incoming, length, budget);
    open.push({ body, response });
    const proven = await body.whole('proof 192.0.2.1');
    assert.equal(proven?.length, length, `of ${caller}`);
    return new Promise((resolve) => body.read(caller, resolve));
  };
  try {
    assert.equal((await send('ada')).length, length);
    // From the same address, while the first is under way.
    assert.equal((await send('bob')).length, length);
    assert.equal(await send('ada'), 'too-many');
    assert.equal(budget.size, 2 * length);
    for (const { body } of open) body.release();
    assert.equal(budget.size, 0);
    assert.equal((await send('ada')).length, length);
  } finally {
    for (const { response } of open) response.destroy();
    server.close();
  }
});

test('a body in very small chunks ends soon, and one in small chunks does not', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const budget = new Shares({ maxOfOwner: 10_000_000, max: 10_000_000 });
  const send = async (chunkBytes: number, count: number): Promise<{ body: BodyResult; chunks: number }> => {
    const arrived = once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>;
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const chunk = `${chunkBytes.toString(16)}\r\n${'x'.repeat(chunkBytes)}\r\n`;
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.write(`${chunk.repeat(count)}0\r\n\r\n`);
    const [incoming] = await arrived;
    let chunks = 0;
    incoming.on('data', () => chunks++);
    const body = await new Promise<BodyResult>((resolve) =>
      new RequestBody(incoming, 4_194_304, budget).read('a', resolve),
    );
    incoming.destroy();
    socket.destroy();
    return { body, chunks };
  };
  try {
    const ended = await send(1, 600_000);
    assert.equal(ended.body, 'too-large');
    assert.ok(ended.chunks < 20_000, `${ended.chunks} chunks were read`);
    assert.equal((await send(1, 4_000)).body.length, 4_000);
    assert.equal((await send(50, 50_000)).body.length, 2_500_000);
  } finally {
    server.close();
  }
});

test('what is left of a body is read for as long as it goes on, and no longer than half a minute', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  for (const [pauses, isRead] of [
    [[1_900, 1_900, 1_900, 1_900], true],
    [[1_900, 2_100], false],
    [Array.from({ length: 20 }, () => 1_900), false],
  ] as const) {
    const incoming = Object.assign(new PassThrough(), { complete: false });
    const response = { destroyed: false, writeHead: () => {}, write: () => {}, end: () => {} };
    answerUnread(incoming as unknown as IncomingMessage, response as unknown as ServerResponse, {
      status: 429,
      headers: {},
      text: '{}',
      maxBytes: 1_000,
    });
    for (const pause of pauses) {
      now += pause;
      context.mock.timers.tick(pause);
      incoming.emit('data', Buffer.from('x'));
    }
    assert.equal(!incoming.destroyed, isRead, pauses.join(' '));
    incoming.destroy();
  }
});
