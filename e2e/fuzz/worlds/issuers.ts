/** Hostile issuers, and tokens that none of them signed for a caller that may do anything: nothing reaches the server. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { modernCall, modernHeaders, sendRaw } from '../../attacks/raw.ts';
import { startWitness } from '../../attacks/witness.ts';
import { startGateway } from '../../harness.ts';
import { changedDocument, publicSet, signedToken } from '../checks/identity.ts';
import { mutateText } from '../mutate.ts';
import { type Random, seeded } from '../random.ts';
import type { Target } from '../target.ts';
import { inParallel, startWatch } from '../watch.ts';

const count = 24;

async function startIssuers(random: Random) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '/';
      const seed = /token=opaque-(\d+)/.exec(Buffer.concat(chunks).toString())?.[1];
      const own = seed === undefined ? random : seeded(Number(seed));
      const origin = `http://${request.headers.host ?? ''}`;
      const issuer = `${origin}${path.replace(/^\/\.well-known\/[^/]+/, '').replace(/\/(?:jwks|introspect)$|\/\.well-known\/.*$/, '')}`;
      const document = path.endsWith('/introspect')
        ? { active: true, sub: 'stranger', client_id: 'stranger', iss: issuer }
        : path.endsWith('/jwks')
          ? publicSet
          : { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` };
      const status = own.chance(0.9) ? 200 : own.pick([204, 301, 404, 500]);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 204 ? undefined : changedDocument(document, own));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** `@ISSUER@` stands for the origin. Lines: how, header, claims; or an opaque token with a seed. */
function make(random: Random): Buffer {
  if (random.chance(0.3)) return Buffer.from(`opaque-${random.below(2 ** 31)}`);
  const header = changedDocument({ alg: 'EdDSA', kid: 'k', typ: 'at+jwt' }, random);
  const times = { iat: 1_800_000_000 - 2 ** 28, exp: 1_800_000_000 + 2 ** 30 };
  const issuer = `@ISSUER@/i${random.below(count)}`;
  const claims = { iss: issuer, sub: 'stranger', client_id: 'stranger', aud: '@RESOURCE@', ...times };
  const text = random.chance(0.5) ? JSON.stringify(claims) : changedDocument(claims, random);
  return Buffer.from(`${random.pick(['signed', 'changed'])}\n${header.replaceAll('\n', ' ')}\n${text}`);
}

function tokenOf(input: Buffer, origin: string, resource: string): string {
  const text = input.toString().replaceAll('@ISSUER@', origin).replaceAll('@RESOURCE@', resource);
  const [how = '', header = '', ...claims] = text.split('\n');
  if (how !== 'signed' && how !== 'changed') return how.replace(/[^\x21-\x7e]/g, '') || 'x';
  const token = signedToken(header, claims.join('\n'));
  return how === 'signed' ? token : mutateText(token, seeded(text.length)).replace(/[^\x21-\x7e]/g, 'x');
}

export const issuers: Target = {
  name: 'hostile issuers',
  weight: 2,
  batch: 100,
  make,
  async open() {
    const stack = new AsyncDisposableStack();
    const server = stack.use(await startIssuers(seeded(1)));
    const witness = stack.use(await startWitness([{ name: 'open' }]));
    const issuerOf = (index: number): object => ({
      issuer: `${server.origin}/i${index}`,
      algorithms: ['EdDSA', 'ES256', 'RS256'],
      unknown: 'refuse',
      prefix: `i${index}-`,
      ...(index % 2 === 0 ? { keys: { url: `${server.origin}/i${index}/jwks` } } : {}),
      ...(index === 0
        ? {
            introspection: {
              url: `${server.origin}/i0/introspect`,
              clientId: 'gateway',
              clientSecret: '${env:FUZZ_SECRET}',
            },
          }
        : {}),
    });
    const gateway = stack.use(
      await startGateway(
        {
          authentication: {
            freeFailures: 1_000_000,
            issuers: Object.fromEntries(Array.from({ length: count }, (_, index) => [`i${index}`, issuerOf(index)])),
          },
          callers: { agents: { bot: {} } },
          servers: { witness: { url: witness.url } },
          connections: [{ name: 'all', from: { anyone: true }, to: 'witness', tools: [{ allow: '*' }] }],
        },
        { env: { FUZZ_SECRET: 'secret' } },
      ),
    );
    const watch = stack.use(await startWatch(gateway));
    const url = gateway.endpoint('witness');
    const give = async (inputs: readonly Buffer[]): Promise<string | undefined> => {
      let failed: string | undefined;
      await inParallel(inputs, 20, async (input) => {
        const headers = [
          ...modernHeaders('tools/call', 'open'),
          ['Authorization', `Bearer ${tokenOf(input, server.origin, url)}`] as const,
        ];
        const { status, body } = await sendRaw({ url, headers, body: modernCall('open'), within: 30_000 });
        if (status < 400 || status === 500) failed ??= `answered with ${status} ${body.slice(0, 500)}`;
      });
      const reached = witness.calls().length;
      witness.forget();
      return reached > 0 ? `${reached} calls of strangers reached the server` : failed;
    };
    return {
      attempt: (inputs) => watch.during(() => give(inputs)),
      worstMs: watch.worstMs,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};
