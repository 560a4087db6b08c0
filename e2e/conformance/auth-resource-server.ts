/**
 * A gateway in the place of the suite's server: clients reach it at that server's URL, as if its name led to the gateway.
 * It answers the metadata, the challenges and the scopes; clients authorize at the suite's authorization server. The
 * tokens of that one are opaque, so what it really issued is written down on its way to the client and vouched for by
 * introspection, with the resource and the scopes that the answer names.
 */

import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { sendJson, startWitness } from '../attacks/witness.ts';
import { type Settings, startGateway } from '../harness.ts';
import { freePort } from '../process.ts';

/** The suite's server accepts whatever begins like this; it is the gateway's own, never that of a client. */
const ownToken = 'test-token-of-the-gateway';
const modern = '2026-07-28';

interface Facts {
  readonly authorizationServer: string;
  /** What the challenge of the server asks for, else what its metadata names. */
  readonly scopes: readonly string[];
  /** It answers the gateway's own token. Where it wants scopes of that one, another server stands behind the gateway. */
  readonly answers: boolean;
}

/** What an operator would look up before writing the configuration. */
async function factsOf(url: string): Promise<Facts> {
  const refused = await listTools(url);
  const challenge = refused.headers.get('www-authenticate') ?? '';
  const { origin, pathname } = new URL(url);
  const places = [
    /resource_metadata="([^"]+)"/.exec(challenge)?.[1],
    `${origin}/.well-known/oauth-protected-resource${pathname}`,
    `${origin}/.well-known/oauth-protected-resource`,
  ];
  const answers = (await listTools(url, ownToken)).ok;
  for (const place of places) {
    const found = place === undefined ? undefined : await fetch(place);
    if (found?.ok !== true) continue;
    const metadata = (await found.json()) as { authorization_servers: string[]; scopes_supported?: string[] };
    const asked = /scope="([^"]+)"/.exec(challenge)?.[1]?.split(' ');
    return {
      authorizationServer: metadata.authorization_servers[0] ?? '',
      scopes: asked ?? metadata.scopes_supported ?? [],
      answers,
    };
  }
  throw new Error('the server of the scenario has no metadata');
}

function listTools(url: string, token?: string): Promise<Response> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': modern,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': modern,
      'mcp-method': 'tools/list',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
  });
}

/** The tokens that the authorization server has issued, and an endpoint that says so (RFC 7662). */
async function startRecords(granting: boolean) {
  const issued = new Map<string, { aud: string; scope: string; client_id: string; sub: string }>();
  const server = createServer(async (request, response) => {
    const token = new URLSearchParams(await text(request)).get('token') ?? '';
    const claims = issued.get(token);
    sendJson(response, claims === undefined ? { active: false } : { active: true, ...claims });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    forget: () => issued.clear(),
    async note(form: URLSearchParams, answer: Response): Promise<void> {
      const said = (await answer.clone().json()) as { access_token?: string; scope?: string };
      if (said.access_token === undefined) return;
      const scope = granting ? (said.scope ?? '') : '';
      const aud = form.get('resource') ?? '';
      issued.set(said.access_token, { aud, scope, client_id: form.get('client_id') ?? 'sdk-client', sub: 'dana' });
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

export interface BehindGateway extends AsyncDisposable {
  readonly fetch: typeof fetch;
  /** The authorization server of the scenario has changed; the operator follows. */
  migrate(): Promise<void>;
}

/** `url`: where the suite says that its server is. */
export async function behindGateway(scenario: string, url: string): Promise<BehindGateway> {
  const ends = new AsyncDisposableStack();
  const facts = await factsOf(url);
  const { origin } = new URL(url);
  // In this scenario no grant is ever enough, which only the authorization server can see to.
  const records = ends.use(await startRecords(scenario !== 'auth/scope-retry-limit'));
  const witness = ends.use(await startWitness([{ name: 'test-tool' }]));
  const framework = facts.answers && scenario !== 'auth/authorization-server-migration';
  const calls = scenario === 'auth/scope-step-up' ? ['mcp:write'] : facts.scopes;
  // Announced is the public URL, which leads to the server of the scenario, so the port has to be known beforehand.
  const port = await freePort();
  // A gateway that believes to be reached under another name: its metadata says so, and clients must see it.
  const publicUrl = scenario === 'auth/resource-mismatch' ? 'https://evil.example.com' : origin;
  const listener = `http://127.0.0.1:${port}`;
  const settings = (authorizationServer: string): Settings => ({
    listen: {
      mcp: { port, publicUrl },
      admin: { port: 0 },
    },
    authentication: {
      issuers: {
        suite: {
          issuer: authorizationServer,
          introspection: { url: records.url, clientId: 'gateway', clientSecret: '${env:CONFORMANCE_SECRET}' },
        },
      },
      scopesSupported: facts.scopes,
    },
    callers: { users: { dana: {} } },
    servers: {
      suite: framework
        ? { url, credential: { bearer: '${env:CONFORMANCE_TOKEN}' } }
        : { url: witness.url, tools: { 'test-tool': { tier: 'read' } } },
    },
    connections: [
      {
        name: 'dana uses the server of the scenario',
        from: { user: 'dana' },
        to: 'suite',
        tools: [{ allow: '*', ...(calls.length === 0 ? {} : { scopes: calls }) }],
      },
    ],
  });
  const gateway = ends.use(
    await startGateway(settings(facts.authorizationServer), {
      env: { CONFORMANCE_SECRET: 'only-for-the-suite', CONFORMANCE_TOKEN: ownToken },
    }),
  );
  const through: typeof fetch = async (input, init) => {
    const target = new URL(input instanceof Request ? input.url : input);
    if (target.origin === origin || target.origin === publicUrl)
      return fetch(new URL(target.pathname + target.search, listener), init);
    const answer = await fetch(input, init);
    const { body } = init ?? {};
    const form = body instanceof URLSearchParams ? body : new URLSearchParams(typeof body === 'string' ? body : '');
    if (form.has('grant_type')) await records.note(form, answer);
    return answer;
  };
  return {
    fetch: through,
    async migrate() {
      // The server of the scenario moves on when it has been called with a token.
      await listTools(url, ownToken);
      const moved = await factsOf(url);
      const { data } = JSON.parse(await readFile(gateway.config, 'utf8')) as { data: string };
      records.forget();
      await writeFile(gateway.config, JSON.stringify({ version: 1, data, ...settings(moved.authorizationServer) }));
      const metadata = `${listener}/.well-known/oauth-protected-resource/mcp`;
      const deadline = Date.now() + 10_000;
      while (!(await (await fetch(metadata)).text()).includes(moved.authorizationServer))
        if (Date.now() > deadline) throw new Error('the gateway does not name the new authorization server');
    },
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
}
