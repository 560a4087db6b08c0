/** A listener that is loaded with its first request, and with a later one where that failed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { onDemand } from './on-demand.ts';

test('what cannot be loaded is tried again by the next request, and what was loaded stays', async () => {
  const problems: unknown[] = [];
  let loads = 0;
  const load = (): Promise<RequestListener> =>
    ++loads === 1
      ? Promise.reject(new Error('EMFILE'))
      : Promise.resolve((_request, response) => void response.end('page'));
  await using server = createServer(onDemand({ load, onBug: (error) => problems.push(error) })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ask = async () => {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask(), [503, 'The pages cannot be loaded\n']);
  const [problem] = problems;
  assert.ok(
    problem instanceof Error && /EMFILE/.test(String(problem.cause)) && /restart the gateway/.test(problem.message),
  );
  assert.deepEqual(
    await Promise.all([ask(), ask(), ask()]),
    Array.from({ length: 3 }, () => [200, 'page']),
  );
  assert.deepEqual(await ask(), [200, 'page']);
  assert.equal(loads, 2);
});
