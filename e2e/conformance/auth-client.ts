/**
 * The client that the suite starts for its OAuth scenarios, with the URL of their server as last argument. `--way` says
 * where a gateway stands: `direct` nowhere, `resource-server` in front of the server, `grants` as the OAuth client.
 */
import { type OAuthOptions, type OAuthSession, openOAuthSession } from '../oauth-client.ts';
import { callWithGrant } from './auth-grants.ts';
import { behindGateway } from './auth-resource-server.ts';
import type { UpstreamSession } from './auth-scenarios.ts';

const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Readonly<Record<string, string>>;
/** The name under which the suite expects a client that publishes a document about itself. */
const clientDocument = 'https://conformance-test.local/client-metadata.json';

function clientOptions(): OAuthOptions {
  const { client_id: id, client_secret: secret, issuer } = context;
  return {
    fetch,
    document: clientDocument,
    ...(id === undefined ? {} : { registered: { client_id: id, client_secret: secret, issuer } }),
  };
}

/** Calls the one tool, twice: what was granted must go on to count. */
async function use(session: OAuthSession): Promise<void> {
  const { tools } = await session.client.listTools();
  for (const _ of [1, 2]) await session.call(tools[0]?.name ?? '');
}

async function run(way: UpstreamSession, url: string): Promise<void> {
  if (way === 'grants') return callWithGrant(scenario, context, url);
  if (way === 'direct') {
    await using session = await openOAuthSession(url, clientOptions());
    return await use(session);
  }
  await using gateway = await behindGateway(scenario, url);
  await using session = await openOAuthSession(url, { ...clientOptions(), fetch: gateway.fetch });
  await use(session);
  if (scenario !== 'auth/authorization-server-migration') return;
  await gateway.migrate();
  await session.call('suite__test-tool');
  await use(session);
}

const way = process.argv[process.argv.indexOf('--way') + 1] as UpstreamSession;
await run(way, process.argv.at(-1) ?? '').catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
