/** Countries of connections through a running gateway: the file of the operator, its changes, and starts without it. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { countryDatabase } from '../gateway/test/support/country-database.ts';
import { modernCallWith, sendRaw } from './attacks/raw.ts';
import { startWitness } from './attacks/witness.ts';
import { type Gateway, gatewayFile, type Settings, startGateway } from './harness.ts';
import { patienceMs, runToEnd } from './process.ts';

const made = 'the witness was called';
const absent = /There is no such server/;

/** As if the client were at this address. */
async function callFrom(gateway: Gateway, key: string, address: string): Promise<string> {
  const request = modernCallWith({ url: gateway.endpoint('s'), key, tool: 'open' });
  const { json, body } = await sendRaw({
    ...request,
    headers: [...(request.headers ?? []), ['X-Forwarded-For', address]],
  });
  const [content] = (json?.result?.['content'] ?? []) as { text?: string }[];
  return content?.text ?? body;
}

const settingsOf = (url: string, database: string | undefined): Settings => ({
  ...(database !== undefined && { countries: { database } }),
  listen: { mcp: { port: 0, behindProxy: ['127.0.0.1'] }, admin: { port: 0 } },
  callers: { agents: { a: {} } },
  servers: { s: { url } },
  connections: [
    {
      name: 'from here',
      from: { anyone: true },
      to: 's',
      countries: { allow: ['FR', 'DE'], unknown: 'deny' },
      tools: [{ allow: '*' }],
    },
  ],
});

test('a connection is there for its countries only, and a new database counts as soon as it is there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-countries-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const database = join(folder, 'countries.mmdb');
  const put = async (networks: Readonly<Record<string, string>>): Promise<void> => {
    await writeFile(`${database}.new`, countryDatabase(networks));
    await rename(`${database}.new`, database);
  };
  await put({ '203.0.113.0/24': 'FR', '198.51.100.0/24': 'US' });
  await using witness = await startWitness([{ name: 'open' }]);
  const settings = settingsOf(witness.url, './countries.mmdb');
  await using gateway = await startGateway(settings, { folder });
  const key = gateway.key('a');
  assert.equal(await callFrom(gateway, key, '203.0.113.9'), made);
  for (const address of ['198.51.100.9', '192.0.2.1', '10.0.0.1'])
    assert.match(await callFrom(gateway, key, address), absent);
  const found = await runCommandHere('audit', 'search', '--json', '--config', gateway.config);
  assert.match(found.stdout, /the connection \\"from here\\" is not for this country/);
  const words = ['explain', '--caller', 'agent:a', '--server', 's', '--tool', 'open', '--config', gateway.config];
  const explained = await runCommandHere(...words, '--address', '198.51.100.9');
  assert.match(explained.stdout, /As if there were no such server: the connection "from here" is not for this country/);
  assert.equal((await runCommandHere(...words, '--address', '203.0.113.9')).code, 0);

  await put({ '203.0.113.0/24': 'US', '198.51.100.0/24': 'DE' });
  await gateway.until(() => gateway.errors().includes('configuration in force'));
  assert.equal(await callFrom(gateway, key, '198.51.100.9'), made);
  assert.match(await callFrom(gateway, key, '203.0.113.9'), absent);

  // One that is damaged, or gone, changes nothing.
  await writeFile(database, 'half of it');
  await gateway.until(() => gateway.errors().includes('is no database in the format of MaxMind'));
  await rm(database);
  await gateway.until(() => gateway.errors().includes('it does not exist'));
  assert.equal(await callFrom(gateway, key, '198.51.100.9'), made);
});

test('no gateway starts without the database that it is told of, or that a connection needs', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-countries-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, 'sallyport.yaml');
  const start = async (settings: Settings): Promise<string> => {
    await writeFile(config, JSON.stringify({ version: 1, ...settings }));
    const ended = await runToEnd({
      command: [process.execPath, gatewayFile, 'serve', '--config', config],
      within: patienceMs,
    });
    assert.equal(ended.code, 65, ended.stderr);
    return ended.stderr;
  };
  const url = 'http://127.0.0.1:1/mcp';
  assert.match(
    await start(settingsOf(url, './none.mmdb')),
    /CFG045 {2}the database of countries \S+none\.mmdb cannot be used: it does not exist/,
  );
  assert.match(await start(settingsOf(url, undefined)), /CFG045 {2}there is no database of countries/);
  await writeFile(join(folder, 'asn.mmdb'), countryDatabase({}, 'Test-ASN'));
  assert.match(await start(settingsOf(url, './asn.mmdb')), /is a database of Test-ASN, and not of countries/);
});

test('environments: a server of production does not exist for callers of staging, unless a connection says so', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const connection = { name: 'all', from: { anyone: true }, to: ['s', 'crossed'], tools: [{ allow: '*' }] };
  await using gateway = await startGateway({
    callers: { agents: { live: { environment: 'production' }, trial: { environment: 'staging' } } },
    servers: Object.fromEntries(
      ['s', 'crossed'].map((name) => [name, { url: witness.url, environment: 'production' }]),
    ),
    connections: [connection, { ...connection, name: 'release', to: 'crossed', environments: ['production'] }],
  });
  const call = async (agent: string, server: string): Promise<string> =>
    (await sendRaw(modernCallWith({ url: gateway.endpoint(server), key: gateway.key(agent), tool: 'open' }))).body;
  assert.match(await call('live', 's'), new RegExp(made));
  assert.match(await call('trial', 's'), absent);
  assert.match(await call('trial', 'crossed'), new RegExp(made));
  const words = ['explain', '--caller', 'agent:trial', '--server', 's', '--tool', 'open', '--config', gateway.config];
  assert.match(
    (await runCommandHere(...words)).stdout,
    /the connection "all" does not lead from staging to production/,
  );
});
