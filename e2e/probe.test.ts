/** Probes go where a call of the gateway would go, and nowhere else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../gateway/test/support/folder.ts';
import { modernCall, modernHeaders, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness } from './attacks/witness.ts';
import { startGateway } from './harness.ts';
import { startIssuer } from './issuer.ts';
import { patienceMs } from './process.ts';

const program = join(import.meta.dirname, '..', 'gateway', 'bin', 'sallyport.js');

async function sallyport(input: string, ...args: readonly string[]): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

test('server probe, and the probe of secret rotate, reach what egress.allow opens, as calls do, and nothing else', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  await using issuer = await startIssuer();
  // The metadata of the one names the token endpoint of the other: an address that no operator wrote.
  await using elsewhere = await startIssuer();
  let grants = 0;
  elsewhere.on('/token', (_request, response) => {
    grants += 1;
    sendJson(response, { access_token: 'granted-token-1', token_type: 'Bearer', expires_in: 600 });
  });
  issuer.metadata = { ...issuer.metadata, token_endpoint: `${elsewhere.issuer}/token` };
  // Not cleared here: the gateway writes into it until it has ended.
  const folder = temporaryFolder('probe');
  const settings = (allow: readonly string[]) => ({
    data: join(folder, 'data'),
    egress: { allow },
    callers: { agents: { bot: {} } },
    servers: {
      notes: {
        url: witness.url,
        credential: {
          clientCredentials: { issuer: issuer.issuer, clientId: 'gateway', clientSecret: '${secret:client}' },
        },
      },
    },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: 'open' }] }],
  });
  const config = join(folder, 'sallyport.yaml');
  await writeFile(config, JSON.stringify({ version: 1, ...settings([elsewhere.issuer]) }));
  assert.equal((await sallyport('first-secret', 'secret', 'put', 'client', '--config', config)).code, 0);

  await using gateway = await startGateway(settings([elsewhere.issuer]));
  const key = gateway.key('bot');
  const call = async (): Promise<string> =>
    (
      await sendRaw({
        url: gateway.endpoint('notes'),
        headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
        body: modernCall('open'),
      })
    ).body;
  assert.match(await call(), /the witness was called/);
  const probed = await sallyport('', 'server', 'probe', 'notes', '--config', gateway.config);
  assert.equal(probed.code, 0, probed.out);
  const rotated = await sallyport('second-secret', 'secret', 'rotate', 'client', '--config', gateway.config);
  assert.deepEqual(rotated, { code: 0, out: 'client is rotated and in force\n  ok      notes  accepts it\n' });

  const closed = JSON.parse(readFileSync(gateway.config, 'utf8')) as object;
  writeFileSync(gateway.config, JSON.stringify({ ...closed, egress: { allow: [] } }));
  const deadline = Date.now() + patienceMs;
  while ((await call()).includes('the witness was called')) assert.ok(Date.now() < deadline, gateway.errors());
  const before = grants;
  const refused = await sallyport('', 'server', 'probe', 'notes', '--config', gateway.config);
  assert.equal(refused.code, 1, refused.out);
  const unproved = await sallyport('third-secret', 'secret', 'rotate', 'client', '--config', gateway.config);
  assert.equal(unproved.code, 1, unproved.out);
  assert.match(unproved.out, /FAILED {2}notes/);
  assert.equal(grants, before, 'no token was asked for');
});
