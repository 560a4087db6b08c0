/** Answers to the gateway's own requests that are cut, reset, stalled and dripped, at every byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { guardedFetch } from '../../gateway/src/egress/fetch.ts';
import { egressGuard } from '../../gateway/src/egress/guard.ts';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { startGateway } from '../harness.ts';
import { startIssuer } from '../issuer.ts';
import { patienceMs } from '../process.ts';
import { type Breaking, boundaries, httpAnswer, manners, startBreaking, writeBroken } from './broken-bytes.ts';

for (const framing of ['length', 'chunked'] as const)
  test(`A4: every request of the gateway's own settles, wherever its answer breaks (${framing})`, async () => {
    const bytes = httpAnswer(framing, { keys: [{ kid: 'one' }], nested: { list: [1, 2, 3] } });
    await using server = await startBreaking(({ path }) => {
      const [manner, at] = path.slice(1).split('/');
      return { bytes, breaking: { manner, at: Number(at) } as Breaking };
    });
    const fetch = guardedFetch(egressGuard([server.origin]));
    const within = 500;
    const kinds = manners.flatMap((manner) => Array.from({ length: bytes.length }, (_, at) => ({ manner, at })));
    const settled = kinds.map(async ({ manner, at }) => {
      const answer = await Promise.race([
        fetch(`${server.origin}/${manner}/${at}`, { within }),
        pause(within * 20, 'never' as const, { ref: false }),
      ]);
      assert.notEqual(answer, 'never', `${manner} after ${at} bytes`);
      // A drip may be over in time; everything else is no answer.
      if (manner !== 'drip') assert.equal(answer !== 'never' && answer.ok, false, `${manner} after ${at} bytes`);
    });
    await Promise.all(settled);
  });

test('A4: tokens of an issuer are verified again after its keys were cut off', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using signer = await startIssuer();
  const bytes = httpAnswer('length', { keys: signer.publicKeys() });
  const places = boundaries(bytes).filter((_, index) => index % 12 === 0);
  const breakings: readonly Breaking[] = manners.flatMap((manner) => places.map((at) => ({ manner, at })));
  const asked = new Set<string>();
  // One issuer for each way of breaking; only its first answer breaks.
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const breaking = breakings[Number(path.slice(1))];
    if (breaking === undefined || asked.has(path) || response.socket === null) {
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
      return void response.end(JSON.stringify({ keys: signer.publicKeys() }));
    }
    asked.add(path);
    writeBroken(response.socket, bytes, breaking);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await using _closing = {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  const { port } = server.address() as AddressInfo;
  const issuers = breakings.map(
    (_, index) =>
      [
        `i${index}`,
        {
          issuer: `https://issuer-${index}.example`,
          prefix: `i${index}-`,
          keys: { url: `http://127.0.0.1:${port}/${index}` },
        },
      ] as const,
  );
  const users = issuers.map(([name]) => `${name}-dana`);
  await using gateway = await startGateway({
    authentication: { issuers: Object.fromEntries(issuers), freeFailures: 10_000 },
    callers: { users: Object.fromEntries(users.map((user) => [user, {}])) },
    servers: { witness: { url: witness.url } },
    connections: [{ name: 'dana', from: { user: users }, to: 'witness', tools: [{ allow: 'open' }] }],
  });
  const aud = gateway.endpoint('witness');
  const statusOf = async (iss: string): Promise<number> => {
    const token = await signer.sign({ aud, iss, jti: crypto.randomUUID() });
    const headers = [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${token}`] as const];
    return (await sendRaw({ url: aud, headers, body: modernCall('open'), within: patienceMs })).status;
  };
  const verdicts = issuers.map(async ([name, { issuer }], index) => {
    const first = await statusOf(issuer);
    assert.notEqual(first, 0, `${name}: no answer`);
    // A failure has a pause before the keys are asked for again.
    for (let attempt = 0, status = first; status !== 200; attempt++) {
      assert.ok(attempt < 50, `${JSON.stringify(breakings[index])}: still ${status}`);
      await pause(200);
      status = await statusOf(issuer);
    }
  });
  await Promise.all(verdicts);
});
