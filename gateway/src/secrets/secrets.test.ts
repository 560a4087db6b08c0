import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { temporaryFolder } from '../../test/support/folder.ts';
import type { Fetch } from '../egress/fetch.ts';
import { type AwsAccess, loadAws } from './aws.ts';
import { awsKmsProvider } from './providers/aws-kms/aws-kms.ts';
import type { KeyProvider } from './providers/contract.ts';
import { localProvider } from './providers/local/local.ts';
import { vaultProvider } from './providers/vault/vault.ts';
import { SecretStore } from './store.ts';

/** A key service that is strict about what the real one is strict about: associated data is bound and required. */
function keyService() {
  const key = randomBytes(32);
  return {
    encrypt(plain: Buffer, aad: string): string {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad));
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64');
    },
    decrypt(text: string, aad: string): Buffer | undefined {
      const bytes = Buffer.from(text, 'base64');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(aad));
        decipher.setAuthTag(bytes.subarray(-16));
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}

const answer = (status: number, value: unknown) =>
  ({ ok: true, status, headers: {}, text: JSON.stringify(value) }) as const;

function vault(requests: object[]): KeyProvider {
  const service = keyService();
  const fetch: Fetch = async (url, ask) => {
    const body = JSON.parse(ask?.body ?? '{}') as Record<string, string>;
    requests.push({ url, method: ask?.method, token: ask?.headers?.['x-vault-token'], members: Object.keys(body) });
    if (ask?.headers?.['x-vault-token'] !== 'vault-token') return answer(403, { errors: ['permission denied'] });
    const [, mount, operation, key] = /^https:\/\/vault\.example\/v1\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url) ?? [];
    if (mount !== 'transit' || key !== 'sallyport' || ask.method !== 'POST') return answer(404, { errors: [] });
    const aad = body['associated_data'] ?? '';
    if (operation === 'encrypt')
      return answer(200, {
        data: { ciphertext: `vault:v1:${service.encrypt(Buffer.from(body['plaintext'] ?? '', 'base64'), aad)}` },
      });
    const plain = service.decrypt((body['ciphertext'] ?? '').replace(/^vault:v1:/, ''), aad);
    return plain === undefined
      ? answer(400, { errors: ['cipher: message authentication failed'] })
      : answer(200, { data: { plaintext: plain.toString('base64') } });
  };
  return vaultProvider(
    { address: 'https://vault.example/', token: 'vault-token', mount: 'transit', key: 'sallyport' },
    fetch,
  );
}

const access = { region: 'eu-west-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-secret' };

/** Computes the signature anew from what arrived, as AWS does. */
function signatureFits(headers: Readonly<Record<string, unknown>>, body: string): boolean {
  const [, scope = '', names = '', signature] =
    /Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      String(headers['authorization']),
    ) ?? [];
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const list = names.split(';');
  const canonical = `POST\n/\n\n${list.map((name) => `${name}:${String(headers[name])}\n`).join('')}\n${names}\n${sha(body)}`;
  const text = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${scope}\n${sha(canonical)}`;
  let key: string | Buffer = `AWS4${access.secretAccessKey}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return (
    ['host', 'x-amz-date', 'x-amz-target'].every((name) => list.includes(name)) &&
    createHmac('sha256', key).update(text).digest('hex') === signature
  );
}

/** KMS on loopback, for as long as the tests of this file run. */
const keyManagement = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [status, answer] = kmsAnswer(request.headers, Buffer.concat(chunks).toString());
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  });
});
const kmsKeys = keyService();

function kmsAnswer(headers: Readonly<Record<string, unknown>>, body: string): readonly [number, object] {
  if (!signatureFits(headers, body)) return [400, { __type: 'InvalidSignatureException' }];
  const { KeyId, EncryptionContext, Plaintext, CiphertextBlob } = JSON.parse(body) as {
    KeyId: string;
    EncryptionContext: object;
    Plaintext?: string;
    CiphertextBlob?: string;
  };
  const aad = JSON.stringify(EncryptionContext);
  if (KeyId !== 'alias/sallyport') return [400, { __type: 'NotFoundException' }];
  if (headers['x-amz-target'] === 'TrentService.Encrypt')
    return [200, { KeyId, CiphertextBlob: kmsKeys.encrypt(Buffer.from(Plaintext ?? '', 'base64'), aad) }];
  const plain = kmsKeys.decrypt(CiphertextBlob ?? '', aad);
  return plain === undefined
    ? [400, { __type: 'InvalidCiphertextException' }]
    : [200, { KeyId, Plaintext: plain.toString('base64') }];
}

before(async () => {
  keyManagement.listen(0, '127.0.0.1');
  await once(keyManagement, 'listening');
});

after(() => {
  keyManagement.closeAllConnections();
  keyManagement.close();
});

function kmsAccess(): AwsAccess {
  return { ...access, endpoint: `http://127.0.0.1:${(keyManagement.address() as AddressInfo).port}` };
}

const kms = (): KeyProvider => awsKmsProvider({ ...kmsAccess(), keyId: 'alias/sallyport' });

const folder = () => temporaryFolder('secrets');
const providers: readonly (readonly [string, () => KeyProvider])[] = [
  ['local', () => localProvider(randomBytes(32))],
  ['vault', () => vault([])],
  ['aws-kms', kms],
];

for (const [name, make] of providers)
  test(`${name}: a secret comes back, its file says nothing, and it opens under no other name`, async () => {
    const data = folder();
    const store = new SecretStore(data, make());
    await store.put('token', 's3cret-value', 1);
    assert.equal(await store.get('token'), 's3cret-value');
    const text = readFileSync(store.pathOf('token'), 'utf8');
    assert.ok(!text.includes('s3cret') && !text.includes(Buffer.from('s3cret-value').toString('base64')));
    assert.equal(statSync(store.pathOf('token')).mode & 0o777, 0o600);
    writeFileSync(store.pathOf('other'), text);
    await assert.rejects(store.get('other'), 'bound to its name');
    const edition = store.edition('token');
    await store.put('token', 'next', 2);
    assert.equal(await store.get('token'), 'next');
    assert.notEqual(store.edition('token'), edition);
    assert.deepEqual(
      store.list().map((each) => ('damaged' in each ? [each] : [each.name, each.createdAt, each.rotatedAt])),
      [
        ['other', 1, 1],
        ['token', 1, 2],
      ],
    );
    assert.equal(await store.get('../token'), undefined);
  });

test('another key of the same kind opens nothing', async () => {
  const data = folder();
  await new SecretStore(data, localProvider(randomBytes(32))).put('token', 'value', 1);
  await assert.rejects(new SecretStore(data, localProvider(randomBytes(32))).get('token'));
  await assert.rejects(new SecretStore(data, vault([])).get('token'), /sealed with the provider local/);
});

test('moving to another provider wraps the keys anew and leaves the values', async () => {
  const data = folder();
  const local = localProvider(randomBytes(32));
  await new SecretStore(data, local).put('token', 'value', 1);
  const requests: object[] = [];
  const moved = new SecretStore(data, vault(requests));
  assert.deepEqual(await moved.rewrap(local), { count: 1, failed: [] });
  assert.equal(await moved.get('token'), 'value');
  assert.deepEqual(requests, [
    {
      url: 'https://vault.example/v1/transit/encrypt/sallyport',
      method: 'POST',
      token: 'vault-token',
      members: ['plaintext', 'associated_data'],
    },
    {
      url: 'https://vault.example/v1/transit/decrypt/sallyport',
      method: 'POST',
      token: 'vault-token',
      members: ['ciphertext', 'associated_data'],
    },
  ]);
  await assert.rejects(new SecretStore(data, local).get('token'));
});

test('an answer of AWS that says no is told by its name, and without keys its chain of credentials is asked', async () => {
  const wrong = awsKmsProvider({ ...kmsAccess(), secretAccessKey: 'another', keyId: 'alias/sallyport' });
  await assert.rejects(wrong.wrap(randomBytes(32), 'a'), /^Error: AWS KMS Encrypt: InvalidSignatureException$/);
  const { accessKeyId: _id, secretAccessKey: _secret, ...anywhere } = kmsAccess();
  const variables = { AWS_ACCESS_KEY_ID: access.accessKeyId, AWS_SECRET_ACCESS_KEY: access.secretAccessKey };
  Object.assign(process.env, variables);
  try {
    const provider = awsKmsProvider({ ...anywhere, keyId: 'alias/sallyport' });
    const key = randomBytes(32);
    assert.deepEqual(await provider.unwrap(await provider.wrap(key, 'a'), 'a'), key);
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
});

test('an SDK that is not installed is named with the command that installs it', async () => {
  const name = '@aws-sdk/client-that-is-not-there';
  const missing = (): Promise<unknown> => import(name);
  await assert.rejects(loadAws('@aws-sdk/x', missing), /not installed\. Run: npm install @aws-sdk\/x$/);
});
