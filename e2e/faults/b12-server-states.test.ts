/** What an operator sees of servers and of reloads is what is the case. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness } from '../attacks/witness.ts';
import { openSettings, startGateway } from '../harness.ts';
import { freePort, patienceMs } from '../process.ts';

test('B12: server list and the metrics say which server is down and which refuses the credential', async (context) => {
  await using witness = await startWitness([{ name: 'open' }]);
  const refusing = createServer((request, response) => {
    request.resume();
    response.writeHead(401).end();
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  context.after(() => refusing.close());
  const at = (port: number): object => ({ url: `http://127.0.0.1:${port}/mcp`, credential: { bearer: '${env:KEY}' } });
  const servers = {
    good: { url: witness.url },
    refusing: at((refusing.address() as AddressInfo).port),
    down: at(await freePort()),
    unused: { url: witness.url },
  };
  await using gateway = await startGateway(openSettings('bot', servers), { env: { KEY: 'x' } });
  for (const name of ['good', 'refusing', 'down'])
    await sendRaw({
      url: gateway.endpoint(name),
      headers: modernHeaders('tools/call', 'open'),
      body: modernCall('open'),
    });
  const metrics = await fetch(new URL('/metrics', gateway.admin)).then((response) => response.text());
  assert.deepEqual(metrics.match(/^sallyport_server_up\{.*$/gm)?.toSorted(), [
    'sallyport_server_up{server="down"} 0',
    'sallyport_server_up{server="good"} 1',
    'sallyport_server_up{server="refusing"} 0',
  ]);
  let list = '';
  // Written within a second of the change.
  for (const deadline = Date.now() + patienceMs; !list.includes('REFUSES'); assert.ok(Date.now() < deadline, list))
    ({ stdout: list } = await runCommandHere('server', 'list', '--config', gateway.config));
  assert.match(list, /^good .*\n {4}answers since /m);
  assert.match(list, /^refusing .*\n {4}REFUSES OUR CREDENTIAL since .*401/m);
  assert.match(list, /^down .*\n {4}CANNOT BE REACHED since /m);
});

test('B12: a reload that changes where to listen does not say that it is in force', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using gateway = await startGateway(openSettings('bot', { notes: { url: witness.url } }));
  const written = JSON.parse(readFileSync(gateway.config, 'utf8')) as { listen: object };
  const listen = { ...written.listen, mcp: { port: await freePort() } };
  writeFileSync(gateway.config, JSON.stringify({ ...written, listen }));
  await gateway.until(() => gateway.errors().includes('"settings":["listen"]'));
  assert.match(gateway.errors(), /configuration loaded: these settings count from the next start on/);
  assert.ok(!gateway.errors().includes('configuration in force'));
});
