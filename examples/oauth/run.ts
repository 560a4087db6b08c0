/** The example as one command: an authorization server, the gateway, and a client that knows only a URL. */
import { join } from 'node:path';
import { startAuthorizationServer } from '../../e2e/authorization-server.ts';
import { openOAuthSession } from '../../e2e/oauth-client.ts';
import { startAnnounced } from '../../e2e/process.ts';

const gateway = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const resultOf = (result: unknown): string => JSON.stringify((result as { content?: unknown }).content);

await using server = await startAuthorizationServer({ port: 9410 });
await using running = await startAnnounced(
  { command: [process.execPath, gateway, 'serve', '--config', config, '--json'] },
  (line) => (line as { mcp?: string }).mcp,
);
const url = `${running.said}/servers/everything/mcp`;
say(`a client that knows only ${url}`);
await using session = await openOAuthSession(url);
say(`it was sent to ${server.issuer} to ask for: ${server.asked.at(-1)?.scope}`);
say(`echo answers ${resultOf(await session.call('echo', { message: 'hello' }))}`);
say(`get-sum answers ${resultOf(await session.call('get-sum', { a: 2, b: 3 }))}`);
say(`after the client was sent there once more to ask for: ${server.asked.at(-1)?.scope}`);
const other = await fetch(`${running.said}/servers/files/mcp`, {
  method: 'POST',
  headers: { authorization: `Bearer ${session.accessToken()}`, 'content-type': 'application/json' },
  body: '{}',
});
say(`the same token at another server: ${other.status} ${other.headers.get('www-authenticate')}`);
