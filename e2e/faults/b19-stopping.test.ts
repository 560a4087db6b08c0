/** A gateway that stops says so, one that finds its port taken says what to do, and commands are told as they can be typed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { gatewayFile, openSettings, startGateway } from '../harness.ts';
import { freePort, runToEnd, startAnnounced } from '../process.ts';

test('B19: while a call is under way, a stopping gateway answers new connections with 503', async () => {
  await using witness = await startWitness([{ name: 'slow' }, { name: 'open' }]);
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
  witness.answer('slow', (response, { message }) =>
    arrive(() =>
      sendJson(response, { jsonrpc: '2.0', id: message.id, result: { content: [], resultType: 'complete' } }),
    ),
  );
  await using gateway = await startGateway(openSettings('bot', { notes: { url: witness.url } }));
  const send = (tool: string) =>
    sendRaw({
      url: gateway.endpoint('notes'),
      headers: modernHeaders('tools/call', tool),
      body: modernCall(tool),
    });
  assert.equal((await send('open')).status, 200);
  const slow = send('slow');
  const answer = await arrived;
  const ended = once(gateway.child, 'exit');
  process.kill(gateway.pid, 'SIGTERM');
  await gateway.until(() => gateway.errors().includes('"stopping"'));
  const late = await send('open');
  assert.equal(late.status, 503);
  assert.match(late.body, /stopping/);
  answer();
  assert.equal((await slow).status, 200);
  assert.deepEqual(await ended, [0, null]);
});

test('B19: a busy port ends with 69 and names --port, which gives a way out', async (context) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  context.after(() => taken.close());
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  await using witness = await startWitness([{ name: 'open' }]);
  const settings = openSettings('bot', { notes: { url: witness.url } });
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-b19-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const listen = { mcp: { port: address.port }, admin: { port: 0 } };
  const failed = startGateway({ ...settings, listen }, { folder });
  await assert.rejects(failed, /ended with 69[^]*EADDRINUSE[^]*\n {4}Choose another with --port/);
  const config = join(folder, 'sallyport.yaml');
  const port = await freePort();
  await using other = await startAnnounced(
    {
      // biome-ignore format: one option and its value after the other
      command: [
        process.execPath, gatewayFile, 'serve', '--config', config, '--json',
        '--port', String(port), '--admin-port', '0', '--log-level', 'debug',
      ],
    },
    (line) => (line as { mcp?: string }).mcp,
  );
  assert.equal(new URL(other.said).port, String(port));
});

test('B19: from a checkout, remedies and help name commands that can be typed', async () => {
  const { stderr } = await runToEnd({
    command: [process.execPath, gatewayFile, 'check', '--config', '/nowhere/sallyport.yaml'],
  });
  const [, typed = ''] = /`(node [^`]*sallyport\.js) init`/.exec(stderr) ?? [];
  assert.notEqual(typed, '', stderr);
  const [node = '', file = ''] = typed.split(' ');
  const tried = await runToEnd({ command: [node, file, '--version'] });
  assert.equal(tried.code, 0);
  const help = await runToEnd({ command: [process.execPath, gatewayFile, '--help'] });
  assert.doesNotMatch(help.stdout, /(?:^|&& |`) *sallyport (?:init|check|serve|key|explain)\b/m);
});
