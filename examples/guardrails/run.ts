/** The example as one command: the gateway, and two agents that read the same project. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openSession } from '../../e2e/clients.ts';
import { startAnnounced } from '../../e2e/process.ts';

const gateway = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function keyOf(agent: string): string {
  const args = [gateway, 'key', 'create', '--agent', agent, '--quiet', '--config', config];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
}

await using running = await startAnnounced(
  { command: [process.execPath, gateway, 'serve', '--config', config, '--json'] },
  (line) => (line as { mcp?: string }).mcp,
);

for (const agent of ['planner', 'helper']) {
  await using session = await openSession('sdk2-modern', {
    url: `${running.said}/servers/projects/mcp`,
    headers: { authorization: `Bearer ${keyOf(agent)}` },
  });
  await session.tools();
  const { text, structured } = await session.call('get_project', {});
  say(`${agent} reads ${text}`);
  say(`    and as structured content ${JSON.stringify(structured)}`);
  const { contact } = JSON.parse(text) as { readonly contact: string };
  const invited = await session.call('invite', { address: contact });
  say(`    and with the placeholder in the next call: ${invited.text}`);
}
