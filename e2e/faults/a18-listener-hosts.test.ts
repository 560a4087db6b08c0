/** A page in a browser that reaches a port of the gateway by a name of its own gets nothing from it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Header, modernCall, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness } from '../attacks/witness.ts';
import { type Gateway, openSettings, startGateway } from '../harness.ts';

let witness: Witness;
let gateway: Gateway;
let port: string;

before(async () => {
  witness = await startWitness([{ name: 'tool' }]);
  gateway = await startGateway({
    ...openSettings('client', { witness: { url: witness.url } }),
    listen: { mcp: { port: 0 }, admin: { port: 0, allowedHosts: ['metrics.internal'] } },
  });
  ({ port } = new URL(gateway.admin));
});
after(async () => {
  await gateway.stop();
  await witness[Symbol.asyncDispose]();
});

const admin = (path: string, headers: readonly Header[], method = 'GET') =>
  sendRaw({ url: `${gateway.admin}${path}`, method, headers });

test('A18: the admin listener answers under addresses, localhost and its own names only, and no page of a browser', async () => {
  const from = (origin: string): readonly Header[] => [
    ['Host', `127.0.0.1:${port}`],
    ['Origin', origin],
  ];
  const hostile: readonly (readonly Header[])[] = [
    [['Host', 'attacker.example']],
    [['Host', `attacker.example:${port}`]],
    [['Host', `127.0.0.1.attacker.example:${port}`]],
    [['Host', `localhost.attacker.example`]],
    [['Host', `127.0.0.1@attacker.example`]],
    [['Host', '']],
    [
      ['Host', `127.0.0.1:${port}`],
      ['Host', 'attacker.example'],
    ],
    [
      ['Host', 'attacker.example'],
      ['Host', `127.0.0.1:${port}`],
    ],
    ...['http://attacker.example', `http://127.0.0.1:1${port}`].map(from),
  ];
  // The pages of operators are of this origin; health and metrics are for no page at all.
  const ownPages = ['null', `http://127.0.0.1:${port}`, ''].map(from);
  for (const path of ['/healthz', '/readyz', '/metrics', '/nothing', '/sign-in', '/api/v1/openapi.json'])
    for (const headers of path.endsWith('z') || path === '/metrics' ? [...hostile, ...ownPages] : hostile) {
      const { status, body } = await admin(path, headers);
      assert.ok(status === 403 || status === 400, `${path} ${JSON.stringify(headers)}: ${status}`);
      assert.doesNotMatch(body, /sallyport_|ready/);
    }
  for (const host of [
    `127.0.0.1:${port}`,
    `localhost:${port}`,
    'LOCALHOST',
    `[::1]:${port}`,
    '10.1.2.3',
    'metrics.internal',
  ])
    for (const path of ['/healthz', '/readyz', '/metrics'])
      assert.equal((await admin(path, [['Host', host]])).status, 200, `${host}${path}`);
});

test('A18: the MCP listener refuses two Host headers, whichever is the good one', async () => {
  const good = new URL(gateway.mcp).host;
  const call = (hosts: readonly string[]) =>
    sendRaw({
      url: gateway.endpoint('witness'),
      headers: [...hosts.map((host): Header => ['Host', host]), ...modernHeaders('tools/call', 'tool')],
      body: modernCall('tool'),
    });
  for (const hosts of [
    [good, 'attacker.example'],
    ['attacker.example', good],
    [good, good],
  ]) {
    const { status } = await call(hosts);
    assert.ok(status === 403 || status === 400, `${hosts.join(' ')}: ${status}`);
  }
  assert.equal(witness.calls().length, 0);
  assert.equal((await call([good])).status, 200);
});
