/**
 * The gateway as the OAuth client of the suite's server, with the kinds of credentials that need no browser. What an
 * operator would know, the authorization server and the client, comes from the scenario.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { importJWK, jwtVerify } from 'jose';
import { startGateway } from '../harness.ts';
import { type Issuer, startIssuer } from '../issuer.ts';

type Context = Readonly<Record<string, string>>;

async function issuerOf(url: string): Promise<string> {
  const { origin, pathname } = new URL(url);
  const found = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  const { authorization_servers: servers } = (await found.json()) as { authorization_servers: string[] };
  return servers[0] ?? '';
}

function credentialOf(scenario: string, context: Context, issuer: string, provider: string): object {
  const { client_id: clientId } = context;
  const secret = { clientSecret: '${env:CLIENT_SECRET}' };
  switch (scenario) {
    case 'auth/client-credentials-jwt':
      return { clientCredentials: { issuer, clientId, privateKey: '${env:PRIVATE_KEY}' } };
    case 'auth/client-credentials-basic':
      return { clientCredentials: { issuer, clientId, ...secret } };
    case 'auth/wif-jwt-bearer':
      return { workloadIdentity: { issuer, clientId, assertion: '${env:ASSERTION}' } };
    default:
      return {
        idJag: {
          provider: { tokenUrl: provider, clientId: context['idp_client_id'], ...secret },
          subject: 'id-token',
          issuer,
          clientId,
          ...secret,
        },
      };
  }
}

/**
 * The suite publishes no key for its ID token, so the gateway cannot accept it as a caller's. A front of its token
 * endpoint takes the token of a caller that the gateway does know for that ID token, and passes everything else on as it is.
 */
async function frontOf(context: Context, issuer: Issuer) {
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    const subject = form.get('subject_token') ?? '';
    const [key = {}] = issuer.publicKeys();
    const mine = await jwtVerify(subject, await importJWK(key)).catch(() => undefined);
    form.set(
      'subject_token',
      mine?.payload.sub === 'dana' ? (context['idp_id_token'] ?? '') : 'not a token of this caller',
    );
    const answer = await fetch(context['idp_token_endpoint'] ?? '', {
      method: 'POST',
      headers: { authorization: request.headers.authorization ?? '' },
      body: form,
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Calls the tool of the scenario through a gateway that has to authenticate there. */
export async function callWithGrant(scenario: string, context: Context, url: string): Promise<void> {
  await using issuer = await startIssuer();
  await using front = await frontOf(context, issuer);
  await using gateway = await startGateway(
    {
      authentication: { issuers: { callers: { issuer: issuer.issuer } } },
      servers: { suite: { url, credential: credentialOf(scenario, context, await issuerOf(url), front.url) } },
      connections: [{ name: 'all', from: { anyone: true }, to: 'suite', tools: [{ allow: '*' }] }],
    },
    {
      env: {
        CLIENT_SECRET: context['client_secret'] ?? 'none',
        PRIVATE_KEY: context['private_key_pem'] ?? 'none',
        ASSERTION: context['valid_jwt'] ?? 'none',
      },
    },
  );
  const endpoint = gateway.endpoint('suite');
  const client = new Client(
    { name: 'conformance', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const authorization = `Bearer ${await issuer.sign({ aud: endpoint })}`;
  await client.connect(
    new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers: { authorization } } }),
  );
  const { content } = await client.callTool({ name: 'test-tool', arguments: {} });
  await client.close();
  if (!JSON.stringify(content).includes('test')) throw new Error(`${JSON.stringify(content)}\n${gateway.errors()}`);
}
