import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ownWords } from '../../pipeline/deliver.ts';
import { turnsOf } from '../../pipeline/turns.ts';
import { longText } from '../../protocol/json-pieces.ts';
import { Answer } from './answer.ts';

for (const events of [false, true])
  test(`a client that does not read its ${events ? 'events' : 'answer'} is kept alive by nothing`, async () => {
    const server = createServer();
    using _ = { [Symbol.dispose]: () => (server.closeAllConnections(), void server.close()) };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    client.write('POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
    const answer = new Answer(response, { canStream: true, started: performance.now() });
    if (events) answer.preferEvents();
    answer.finish({ status: 200, text: 'x'.repeat(32 * 1024 * 1024) });
    await turn();
    assert.equal(response.writableFinished, false, 'this is more than the buffers of the socket hold');
    answer.keepAlive(performance.now() + 60_000, 1_000);
    answer.notify('notifications/message', ownWords({}));
    // A client that reads after all gets the answer and nothing else.
    const received = await text(client);
    assert.equal(received.split('x'.repeat(1024)).length - 1, 32 * 1024);
    assert.equal(received.split(/HTTP\/|event:/).length - 1, events ? 2 : 1);
  });

test('of many long answers that are due in one turn of the loop, few are written at once', async () => {
  const turns = turnsOf();
  while (!turns.isOver());
  const written: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  for (let index = 0; index < 8; index++) {
    const end = (): void => {
      if (written.push('end') === 16) resolve();
    };
    const response = { writeHead: () => void written.push('head'), end } as unknown as ServerResponse;
    const answer = new Answer(response, { canStream: false, started: performance.now() });
    answer.finish({ status: 200, text: 'x'.repeat(longText) });
  }
  assert.equal(written.length, 0);
  await turn();
  assert.ok(written.length <= 2, `${written.length} at once`);
  await over;
});

test('a long answer that cannot be written in a later turn ends its response', async () => {
  const turns = turnsOf();
  while (!turns.isOver());
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const writeHead = (): void => {
    throw new Error('a bug');
  };
  const response = { writeHead, destroy: () => resolve() } as unknown as ServerResponse;
  new Answer(response, { canStream: false, started: performance.now() }).finish({
    status: 200,
    text: 'x'.repeat(longText),
  });
  await ended;
});
