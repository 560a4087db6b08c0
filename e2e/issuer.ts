/** An issuer of access tokens under the control of a test: signs what it is told to, well or badly. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface Issuer extends AsyncDisposable {
  readonly issuer: string;
  /** How often the JWK set was fetched. */
  readonly fetches: () => number;
  readonly publicKeys: () => readonly JWK[];
  /** Replaces the key; the old one is gone from the set. */
  readonly rotate: () => Promise<void>;
  /** A token that is valid for ten minutes, with these claims over the usual ones. `undefined` leaves one out. */
  readonly sign: (claims: Claims, header?: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly privateKey: () => CryptoKey;
  readonly kid: () => string;
  /** Answers of other paths; the introspection endpoint is one. */
  readonly on: (
    path: string,
    answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  ) => void;
  /** The document of the well-known places. */
  metadata: Record<string, unknown>;
}

export type Claims = Readonly<Record<string, unknown>>;

export async function startIssuer(alg: 'ES256' | 'RS256' = 'ES256'): Promise<Issuer> {
  let generation = 0;
  let fetches = 0;
  let pair = await generateKeyPair(alg, { extractable: true });
  let jwk: JWK = {};
  const publish = async (): Promise<void> => {
    jwk = { ...(await exportJWK(pair.publicKey)), kid: `key-${generation}`, alg, use: 'sig' };
  };
  await publish();
  const answers = new Map<string, (request: IncomingMessage, response: ServerResponse, body: string) => void>();
  const json = (response: ServerResponse, value: unknown): void => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = new URL(request.url ?? '/', 'http://here').pathname;
      const own = answers.get(path);
      if (own !== undefined) return own(request, response, Buffer.concat(chunks).toString());
      if (path === '/.well-known/oauth-authorization-server') return json(response, made.metadata);
      if (path === '/jwks') {
        fetches += 1;
        return json(response, { keys: [jwk] });
      }
      response.writeHead(404).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: Issuer = {
    issuer,
    fetches: () => fetches,
    publicKeys: () => [jwk],
    privateKey: () => pair.privateKey,
    kid: () => `key-${generation}`,
    async rotate() {
      generation += 1;
      pair = await generateKeyPair(alg, { extractable: true });
      await publish();
    },
    sign(claims, header = {}) {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: issuer, sub: 'dana', client_id: 'bot', iat: now, exp: now + 600, ...claims };
      return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
        .setProtectedHeader({ alg, kid: `key-${generation}`, typ: 'at+jwt', ...header })
        .sign(pair.privateKey);
    },
    on: (path, answer) => void answers.set(path, answer),
    metadata: { issuer, jwks_uri: `${issuer}/jwks` },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return made;
}
