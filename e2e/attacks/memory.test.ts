/** Clients that want the memory of the gateway: what they do not read, and what they send in the smallest pieces. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openSettings, startGateway } from '../harness.ts';
import { until } from '../until.ts';
import { type Header, meta, modernCall, modernHeaders, sendRaw } from './raw.ts';
import { sendJson, startWitness } from './witness.ts';

function headText(url: URL, headers: readonly Header[]): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n${lines.join('')}\r\n`;
}

test('answers that the client does not read are cut, and the gateway goes on', async () => {
  const calls = 32;
  const length = 7 * 1024 ** 2;
  await using witness = await startWitness([{ name: 'tool' }]);
  witness.answer('tool', (response, { message }) => {
    const content = [{ type: 'text', text: 'x'.repeat(length) }];
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', content } });
  });
  const settings = openSettings('client', { witness: { url: witness.url } });
  await using gateway = await startGateway({ ...settings, bounds: { keepAlive: '1s' } });
  const url = new URL(gateway.endpoint('witness'));
  const body = modernCall('tool');
  const head = headText(url, [
    ...modernHeaders('tools/call', 'tool'),
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ]);
  // The system keeps some megabytes of each, and the gateway the rest.
  const idle = Array.from({ length: calls }, () => {
    const socket = connect(Number(url.port), url.hostname).pause();
    socket.on('error', () => {});
    socket.write(head + body);
    return socket;
  });
  // Every answer waits now, or is cut.
  const ended = /^sallyport_exchanges_total\{server="witness",method="tools\/call",.*\} (\d+)$/gm;
  await until(async () => {
    const metrics = await (await fetch(`${gateway.admin}/metrics`, { headers: { connection: 'close' } })).text();
    return [...metrics.matchAll(ended)].reduce((sum, [, count]) => sum + Number(count), 0) === calls;
  }, 'the end of every call');

  // Comments keep this stream open, and come when the gateway looks after all that is open.
  const stop = new AbortController();
  const stream = await fetch(url, {
    method: 'POST',
    headers: Object.fromEntries(modernHeaders('subscriptions/listen')),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta: meta },
    }),
    signal: stop.signal,
  });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let comments = 0; comments < 3; ) if ((await reader?.read())?.value?.startsWith(':') === true) comments++;
  stop.abort();

  const read = await Promise.all(idle.map((socket) => text(socket).catch(() => '')));
  const answers = read.filter((each) => each.length > length).length;
  assert.ok(answers < calls / 2, `${answers} of ${calls} answers waited`);
  witness.answer('tool', (response, { message }) =>
    sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [] } }),
  );
  assert.equal((await sendRaw({ url: url.href, headers: modernHeaders('tools/call', 'tool'), body })).status, 200);
});

const status = (pid: number) => `/proc/${pid}/status`;

/** The most memory that a process has ever had, in MiB. */
function peak(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(status(pid), 'utf8'))?.[1]) / 1024;
}

test('a body in single bytes, without credentials, takes little more than its size', {
  skip: !existsSync(status(process.pid)) && 'needs /proc',
}, async () => {
  const { authentication: _open, ...settings } = openSettings('client', { witness: { url: 'http://127.0.0.1:9' } });
  await using gateway = await startGateway(settings);
  const before = peak(gateway.pid);
  const answer = await sendRaw({
    url: gateway.endpoint('witness'),
    headers: [...modernHeaders('tools/call', 'tool'), ['Transfer-Encoding', 'chunked']],
    body: `${'1\r\nx\r\n'.repeat(1024 ** 2)}0\r\n\r\n`,
    within: 30_000,
  });
  assert.equal(answer.status, 401, answer.body);
  const grown = peak(gateway.pid) - before;
  assert.ok(grown < 128, `grew by ${Math.round(grown)} MiB for a body of 1 MiB`);
});
