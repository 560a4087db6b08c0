import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Answer } from './answer.ts';

for (const events of [false, true])
  test(`a client that does not read its ${events ? 'events' : 'answer'} is kept alive by nothing`, async () => {
    let answer: Answer | undefined;
    const server = createServer((_request, response) => {
      answer = new Answer(response, true, performance.now());
      if (events) answer.preferEvents();
      answer.finish({ status: 200, text: 'x'.repeat(32 * 1024 * 1024) });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
    await pause(200);
    assert.ok(answer !== undefined);
    answer.keepAlive(performance.now() + 60_000, 1_000);
    answer.notify('notifications/message', {});
    await pause(20);
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
