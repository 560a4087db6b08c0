/** Secrets at rest through a running gateway: put, used, rotated under load, gone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../gateway/test/support/folder.ts';
import { modernCall, modernHeaders, type RawAnswer, sendRaw } from './attacks/raw.ts';
import { sendJson, startWitness } from './attacks/witness.ts';
import { startGateway } from './harness.ts';

const program = join(import.meta.dirname, '..', 'gateway', 'bin', 'sallyport.js');

async function secret(input: string, ...args: string[]): Promise<{ code: number; out: string }> {
  const child = spawn(process.execPath, [program, 'secret', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, out };
}

/** Every file below a folder that holds a text, as it is or in base64. */
function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const path = join(folder, name);
    if (!statSync(path).isFile()) return false;
    const content = readFileSync(path);
    return content.includes(text) || content.includes(Buffer.from(text).toString('base64'));
  });
}

test('a secret is rotated under load: no call fails, the next call uses the new value, the old one is nowhere on disk', async () => {
  await using witness = await startWitness([{ name: 'open' }]);
  const folder = temporaryFolder('secret');
  const data = join(folder, 'data');
  const settings = {
    data,
    callers: { agents: { bot: {} } },
    servers: { notes: { url: witness.url, credential: { bearer: '${secret:notes-token}' } } },
    connections: [{ name: 'bot', from: { agent: 'bot' }, to: 'notes', tools: [{ allow: '*' }] }],
  };
  const config = join(folder, 'sallyport.yaml');
  await writeFile(config, JSON.stringify({ version: 1, ...settings }));
  const put = await secret('old-value-1\n', 'put', 'notes-token', '--config', config);
  assert.deepEqual(put, { code: 0, out: 'notes-token is kept. Refer to it as ${secret:notes-token}.\n' });
  assert.equal((await secret('x', 'put', 'notes-token', '--config', config)).code, 1, 'put replaces nothing');

  await using gateway = await startGateway(settings);
  const key = gateway.key('bot');
  const call = (): Promise<RawAnswer> =>
    sendRaw({
      url: gateway.endpoint('notes'),
      headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
      body: modernCall('open'),
    });
  assert.equal((await call()).status, 200);
  assert.equal(witness.calls()[0]?.headers.authorization, 'Bearer old-value-1');

  const ending = new AbortController();
  const over = ending.signal;
  let failed = 0;
  let made = 0;
  const load = Array.from({ length: 4 }, async () => {
    while (!over.aborted) {
      const answer = await call();
      made += 1;
      if (!answer.body.includes('the witness was called')) failed += 1;
    }
  });
  const rotated = await secret('new-value-2', 'rotate', 'notes-token', '--config', gateway.config);
  witness.forget();
  await call();
  const seen = witness.calls().map(({ headers }) => headers.authorization);
  ending.abort();
  await Promise.all(load);
  assert.equal(rotated.code, 0, rotated.out);
  assert.equal(rotated.out, 'notes-token is rotated and in force\n  ok      notes  accepts it\n');
  assert.ok(
    seen.every((value) => value === 'Bearer new-value-2'),
    'the next call uses the new value',
  );
  assert.equal(failed, 0, `of ${made} calls`);
  const listed = await secret('', 'list', '--config', gateway.config);
  assert.match(listed.out, /^notes-token {2}local {2}rotated \S+\n$/);

  // A gateway that runs replaces files while they are searched.
  await gateway.stop();
  assert.deepEqual(filesWith(folder, 'old-value-1'), []);
  assert.deepEqual(filesWith(folder, 'new-value-2'), []);
});

test('a rotation to a value that the server refuses is found by the probe', async () => {
  const server = createServer((request, response) => {
    request.resume();
    if (request.headers.authorization !== 'Bearer good-value') return response.writeHead(401).end();
    request.on('end', () => response.writeHead(404).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  const folder = temporaryFolder('secret');
  const config = join(folder, 'sallyport.yaml');
  await writeFile(
    config,
    JSON.stringify({
      version: 1,
      servers: { notes: { url, era: 'modern', credential: { bearer: '${secret:notes-token}' } } },
    }),
  );
  await secret('good-value', 'put', 'notes-token', '--config', config);
  const rotated = await secret('bad-value', 'rotate', 'notes-token', '--config', config);
  assert.equal(rotated.code, 1);
  assert.match(rotated.out, /FAILED {2}notes {2}the server refused the gateway's credential with 401/);
  assert.doesNotMatch(rotated.out, /bad-value|good-value/);
  server.closeAllConnections();
  server.close();
});

test('references to Vault and AWS Secrets Manager, by recorded requests', async () => {
  const requests: string[] = [];
  const manager = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${body}`);
      if (request.url === '/v1/secret/data/app') {
        if (request.headers['x-vault-token'] !== 'vault-token') return sendJson(response, { errors: ['denied'] }, 403);
        return sendJson(response, { data: { data: { token: 'from-vault' }, metadata: { version: 3 } } });
      }
      assert.match(
        request.headers.authorization ?? '',
        /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/secretsmanager\/aws4_request, /,
      );
      assert.equal(request.headers['x-amz-target'], 'secretsmanager.GetSecretValue');
      sendJson(response, { SecretString: '{"token":"from-aws"}' });
    });
  });
  manager.listen(0, '127.0.0.1');
  await once(manager, 'listening');
  const address = `http://127.0.0.1:${(manager.address() as AddressInfo).port}`;
  await using witness = await startWitness([{ name: 'open' }]);
  const server = (reference: string) => ({ url: witness.url, credential: { bearer: reference } });
  await using gateway = await startGateway(
    {
      secrets: {
        vault: { address, token: '${env:VAULT_TOKEN}' },
        aws: { region: 'eu-west-1', endpoint: address, accessKeyId: 'AKID', secretAccessKey: '${env:AWS_SECRET}' },
      },
      callers: { agents: { bot: {} } },
      servers: { one: server('${vault:secret/data/app#token}'), two: server('${aws-sm:app#token}') },
      connections: [{ name: 'bot', from: { agent: 'bot' }, to: ['one', 'two'], tools: [{ allow: '*' }] }],
    },
    { env: { VAULT_TOKEN: 'vault-token', AWS_SECRET: 'aws-secret' } },
  );
  const key = gateway.key('bot');
  for (const name of ['one', 'two'])
    await sendRaw({
      url: gateway.endpoint(name),
      headers: [...modernHeaders('tools/call', 'open'), ['Authorization', `Bearer ${key}`]],
      body: modernCall('open'),
    });
  assert.deepEqual(
    witness.calls().map(({ headers }) => headers.authorization),
    ['Bearer from-vault', 'Bearer from-aws'],
  );
  assert.ok(requests.includes('GET /v1/secret/data/app '));
  assert.ok(requests.includes('POST / {"SecretId":"app"}'));
  manager.closeAllConnections();
  manager.close();
});
