/** B3, B15, C5: a server that is fetched at its first start comes up, and clients find its tools. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OtherServer } from '../fixtures/other/http.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';
import { type OtherProgram, otherProgram } from './other-program.ts';

test('B3, B15: a slow first start is waited for, by one process, and the first merged list has the tools', async () => {
  await using slow = await otherProgram({ eras: 'legacy' }, { delayMs: 8_000 });
  await using quick = await new OtherServer({ eras: 'legacy' }).listen();
  await using gateway = await startGateway(
    openSettings('client', { slow: { command: slow.command }, quick: { url: quick.url } }),
  );
  const clients = await Promise.all([1, 2].map(() => openAskingClient(`${gateway.mcp}/mcp`, 'modern')));
  await using stack = new AsyncDisposableStack();
  for (const client of clients) stack.use(client);
  for (const list of await Promise.all(clients.map(({ client }) => client.listTools()))) {
    const names = list.tools.map(({ name }) => name);
    assert.ok(names.includes('quick__echo') && names.includes('slow__echo'), names.join());
  }
  assert.equal((await slow.starts()).length, 1);
  await gateway.until(() => /waiting for the server to start/.test(gateway.errors()));
  assert.match(gateway.errors(), /fetching the package/);
});

test('B3: a server that does not start in its time is asked to end, and the log has its last words', async () => {
  await using slow = await otherProgram({ eras: 'legacy' }, { delayMs: 60_000 });
  await using gateway = await startGateway(
    openSettings('client', { slow: { command: slow.command, startTimeout: '2s' } }),
  );
  await assert.rejects(openAskingClient(gateway.endpoint('slow'), 'legacy'));
  await gateway.until(() => /server not connected/.test(gateway.errors()));
  assert.match(gateway.errors(), /did not answer the handshake within 2000 ms; its last output: fetching the package/);
  const [pid] = await slow.starts();
  assert.deepEqual(await slow.notes(), [pid, `SIGTERM ${pid}`]);
});

const discovers = [undefined, 'silence', 'exit'] as const;

/** A program for each of the tests below, all behind one gateway. */
const programs = new Map<string | undefined, OtherProgram>();
let shared: Gateway;

before(async () => {
  for (const discover of discovers)
    programs.set(discover, await otherProgram({ eras: 'legacy', ...(discover === undefined ? {} : { discover }) }));
  const entries = [...programs].map(([discover, { command }]) => [`${discover}`, { command }] as const);
  const broken = { command: [process.execPath, '-e', 'console.error("no database at 5432"); process.exit(3)'] };
  shared = await startGateway(openSettings('client', { ...Object.fromEntries(entries), broken }));
});
after(async () => {
  await shared.stop();
  for (const program of programs.values()) await program[Symbol.asyncDispose]();
});

test('B14: what a server writes before it ends at its start is in the log', async () => {
  await assert.rejects(openAskingClient(shared.endpoint('broken'), 'legacy'));
  await shared.until(() => /server not connected/.test(shared.errors()));
  assert.match(shared.errors(), /exited with code 3; its last output: no database at 5432/);
});

for (const discover of discovers)
  test(`C5: a legacy program whose answer to server/discover is ${discover ?? 'an error'} comes up`, async () => {
    await using client = await openAskingClient(shared.endpoint(`${discover}`), 'modern');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
    // Only a process that ended has to be started again.
    assert.equal((await programs.get(discover)?.starts())?.length, discover === 'exit' ? 2 : 1);
  });
