/** The example as one command: an authority, the gateway, and three calls. */
import { cpSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { modernCall, modernHeaders } from '../../e2e/attacks/raw.ts';
import { makeAuthority, type Pair } from '../../e2e/certificates.ts';
import { startAnnounced } from '../../e2e/process.ts';

const gateway = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const folder = join(import.meta.dirname, 'certificates');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

using authority = makeAuthority();
authority.issue('server', 'IP:127.0.0.1');
const bot = authority.issue('bot', 'URI:spiffe://example/agents/bot');
const gone = authority.issue('gone', 'URI:spiffe://example/agents/bot');
authority.revoke(gone);
rmSync(folder, { recursive: true, force: true });
cpSync(authority.folder, folder, { recursive: true });

await using running = await startAnnounced(
  { command: [process.execPath, gateway, 'serve', '--config', config, '--json'] },
  (line) => (line as { mcp?: string }).mcp,
);

function call(pair: Pair | undefined): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      `${running.said}/servers/everything/mcp`,
      {
        method: 'POST',
        agent: false,
        ca: authority.cert,
        ...(pair === undefined ? {} : { cert: pair.cert, key: pair.key }),
        headers: Object.fromEntries(modernHeaders('tools/call', 'echo')),
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(`answered with ${response.statusCode}`));
      },
    );
    sent.on('error', () => resolve('the connection was ended'));
    sent.end(modernCall('echo', { message: 'hello' }));
  });
}

say(`with a certificate: ${await call(bot)}`);
say(`without one: ${await call(undefined)}`);
say(`with one that is revoked: ${await call(gone)}`);
