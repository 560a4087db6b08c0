/** C4, C10, C11, C14: habits of other SDKs' servers on the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtherServer } from '../fixtures/other/http.ts';
import { openSettings, startGateway } from '../harness.ts';
import { openAskingClient } from './asking-client.ts';
import { otherProgram } from './other-program.ts';

for (const eras of ['legacy', 'modern'] as const)
  test(`C10: events of other types are no messages (${eras})`, async () => {
    await using server = await new OtherServer({ eras, answers: 'events', oddEvents: true }).listen();
    await using gateway = await startGateway(openSettings('client', { other: { url: server.url } }));
    await using client = await openAskingClient(gateway.endpoint('other'), eras);
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  });

for (const status of [307, 308])
  test(`C11: ${status} within the origin is followed, for calls, streams and the end of a session`, async () => {
    await using server = await new OtherServer({ eras: 'legacy', redirect: { status, to: '/mcp/' } }).listen();
    await using gateway = await startGateway(openSettings('client', { other: { url: server.url } }));
    {
      await using client = await openAskingClient(gateway.endpoint('other'), 'legacy');
      assert.match(await client.call('echo', { a: 1 }), /"a":1/);
    }
    await server.until(() => server.requests.includes('GET /mcp/'));
    // Where it leads is remembered.
    assert.ok(server.requests.filter((request) => request === 'POST /mcp').length <= 2, server.requests.join());
  });

for (const [status, to] of [
  [307, 'http://127.0.0.1:9/mcp'],
  [308, 'https://example.com/mcp'],
  [301, '/mcp/'],
] as const)
  test(`C11: ${status} to ${to} is not followed, and named in the log`, async () => {
    await using server = await new OtherServer({ eras: 'legacy', redirect: { status, to } }).listen();
    await using gateway = await startGateway(openSettings('client', { other: { url: server.url } }));
    await assert.rejects(openAskingClient(gateway.endpoint('other'), 'legacy'));
    await gateway.until(() => gateway.errors().includes(`HTTP status ${status}, which leads to ${to}`));
    assert.ok(!server.requests.includes('POST /mcp/'));
  });

test('C11: a circle of redirects ends', async () => {
  await using server = await new OtherServer({ eras: 'legacy', redirect: { status: 307, to: '/mcp' } }).listen();
  await using gateway = await startGateway(openSettings('client', { other: { url: server.url } }));
  await assert.rejects(openAskingClient(gateway.endpoint('other'), 'legacy'));
  assert.ok(server.requests.length < 40, `${server.requests.length}`);
});

test('C4: a legacy server is told the least severe level that is wanted', async () => {
  await using http = await new OtherServer({ eras: 'legacy' }).listen();
  await using program = await otherProgram({ eras: 'legacy' });
  await using gateway = await startGateway(
    openSettings('client', { http: { url: http.url }, program: { command: program.command } }),
  );
  for (const name of ['http', 'program']) {
    await using silent = await openAskingClient(gateway.endpoint(name), 'legacy');
    assert.match(await silent.call('log'), /the level is unset/);
    await silent.client.setLoggingLevel('warning');
    assert.match(await silent.call('log'), /the level is "warning"/);
    await using modern = await openAskingClient(gateway.endpoint(name), 'modern');
    const { content } = await modern.client.callTool({
      name: 'log',
      arguments: {},
      _meta: { 'io.modelcontextprotocol/logLevel': 'debug' },
    });
    assert.match(JSON.stringify(content), /the level is \\"debug\\"/);
  }
});

for (const discover of ['silence', 'close', 500, 202] as const)
  test(`C14: a legacy server whose answer to server/discover is ${discover}`, async () => {
    await using server = await new OtherServer({ eras: 'legacy', discover }).listen();
    await using gateway = await startGateway({
      ...openSettings('client', { other: { url: server.url } }),
      bounds: { connectTimeout: '1s' },
    });
    await using client = await openAskingClient(gateway.endpoint('other'), 'modern');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  });

test('C14: answers whose ids are text reach their calls', async () => {
  await using http = await new OtherServer({ eras: 'legacy', textIds: true }).listen();
  await using program = await otherProgram({ eras: 'modern', textIds: true });
  await using gateway = await startGateway(
    openSettings('client', { http: { url: http.url }, program: { command: program.command } }),
  );
  for (const name of ['http', 'program']) {
    await using client = await openAskingClient(gateway.endpoint(name), 'modern');
    assert.match(await client.call('echo', { a: 1 }), /"a":1/);
  }
});
