/** How much CPU authentication costs a call: an API key, a cached token, an ES256 token seen for the first time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { configuration as schema } from '../src/config/schema/index.ts';
import type { Fetch } from '../src/egress/fetch.ts';
import type { Credentials } from '../src/pipeline/contracts/authenticate.ts';
import { openKeyAdmin, openKeyRing } from '../src/stages/authenticate/api-key/open.ts';
import { makeAuthenticate } from '../src/stages/authenticate/index.ts';
import { tokenAuthenticator } from '../src/stages/authenticate/jwt/authenticator.ts';
import { IssuerKeys } from '../src/stages/authenticate/jwt/keys.ts';
import { Throttle } from '../src/stages/authenticate/throttle.ts';

const resource = 'https://gateway.example/servers/notes/mcp';
const issuer = 'https://issuer.example';
const folder = mkdtempSync(join(tmpdir(), 'sallyport-measure-'));
const configuration = schema.parse({
  version: 1,
  authentication: { issuers: { main: { issuer, keys: { url: `${issuer}/jwks` } } } },
  callers: { agents: { bot: {} } },
});
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] });
const fetch: Fetch = async () => ({ ok: true, status: 200, headers: {}, text: jwks });
const keys = new IssuerKeys({ issuer, keys: { url: `${issuer}/jwks` } }, fetch, { warn: () => {} });
const ring = openKeyRing(folder);
const desk = openKeyAdmin(folder);
if (!ring.ok || !desk.ok) throw new Error('the data folder cannot be used');
const throttle = new Throttle();
const tokens = tokenAuthenticator({ configuration, keysOf: () => keys, fetch, throttle });
const authenticate = makeAuthenticate({ configuration, keys: ring.value, tokens, throttle });

const sign = (jti: number): Promise<string> =>
  new SignJWT({
    sub: 'dana',
    client_id: 'bot',
    scope: 'tools:read tools:write',
    groups: ['a', 'b', 'c'],
    jti: `${jti}`,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(resource)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(privateKey);
/** A header object of its own for each call, as requests bring it. */
const credentials = (token: string): Credentials => ({
  authorization: Buffer.from(`Bearer ${token}`).toString('latin1'),
  headers: {},
  transport: 'http',
  resource,
});

async function measure(name: string, count: number, call: (index: number) => unknown): Promise<void> {
  for (let index = 0; index < count / 10; index++) await call(index);
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    const result = call(index);
    if (result instanceof Promise) await result;
  }
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`${name.padEnd(28)} ${((user + system) / count).toFixed(2)} us\n`);
}

const cached = credentials(await sign(-1));
await authenticate(cached);
const key = credentials(desk.value.create({ agent: 'bot' }, Date.now()).text);
const fresh = await Promise.all(Array.from({ length: 12_000 }, (_, index) => sign(index)));
await measure('nothing but the header', 500_000, () => credentials('x'.repeat(480)));
await measure('API key', 500_000, () => authenticate({ ...key, authorization: `${key.authorization}` }));
await measure('cached ES256 token', 500_000, () => authenticate({ ...cached }));
await measure('new ES256 token', fresh.length - 2_000, (index) =>
  authenticate(credentials(fresh[index + 1_000] ?? '')),
);
ring.value.close();
desk.value.store.close();
rmSync(folder, { recursive: true });
