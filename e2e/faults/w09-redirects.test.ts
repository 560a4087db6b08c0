/** Where a server leads to is told without what may repeat a secret of the URL that was asked. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { runCommandHere } from '../../gateway/test/support/command.ts';
import { modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { openSettings, startGateway } from '../harness.ts';

const secret = 'planted-key-0123456789';

const places: Readonly<Record<string, string>> = {
  query: `http://other.example/moved?apiKey=${secret}`,
  'encoded query': `http://other.example/moved?apiKey=planted%2Dkey%2D0123456789`,
  fragment: `http://other.example/moved#${secret}`,
  'user information': `http://key:${secret}@other.example/moved`,
  'a query of a relative place': `//other.example/moved?${secret}`,
};

test('W9: the query, fragment and user information of a redirect are in no log, probe, list or answer', async (context) => {
  const server = createServer((request, response) => {
    request.resume();
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://here').pathname.slice(1));
    response.writeHead(307, { location: places[name] ?? '/' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const servers = Object.fromEntries(
    Object.keys(places).map((name, at) => [
      `moved-${at}`,
      { url: `http://127.0.0.1:${port}/${encodeURIComponent(name)}` },
    ]),
  );
  await using gateway = await startGateway(openSettings('client', servers));
  for (const name of Object.keys(servers)) {
    const call = {
      url: gateway.endpoint(name),
      headers: modernHeaders('tools/call', 'open'),
      body: modernCall('open'),
    };
    const { body } = await sendRaw(call);
    const probe = await runCommandHere('server', 'probe', name, '--config', gateway.config);
    for (const [where, text] of Object.entries({ answer: body, probe: probe.stdout + probe.stderr }))
      assert.doesNotMatch(text, /planted/, `${name}, ${where}: ${text}`);
    assert.match(probe.stdout + probe.stderr, /leads to \S*other\.example\/moved/, 'the place itself is told');
  }
  const list = await runCommandHere('server', 'list', '--config', gateway.config);
  assert.doesNotMatch(list.stdout + list.stderr, /planted/);
  assert.match(gateway.errors(), /other\.example\/moved/);
  assert.doesNotMatch(gateway.errors(), /planted/);
});
