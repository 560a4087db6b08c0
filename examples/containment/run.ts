/** The example as one command: the gateway, an agent that calls too often, and one that goes round in circles. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openSession, type Session } from '../../e2e/clients.ts';
import { startAnnounced } from '../../e2e/process.ts';

const gateway = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function sallyport(...args: readonly string[]): string {
  return execFileSync(process.execPath, [gateway, ...args, '--config', config], { encoding: 'utf8' }).trim();
}

await using running = await startAnnounced(
  { command: [process.execPath, gateway, 'serve', '--config', config, '--json'] },
  (line) => (line as { mcp?: string }).mcp,
);

function open(agent: string): Promise<Session> {
  const authorization = `Bearer ${sallyport('key', 'create', '--agent', agent, '--quiet')}`;
  return openSession('sdk2-modern', { url: `${running.said}/servers/orders/mcp`, headers: { authorization } });
}

await using busy = await open('busy');
for (let order = 1; order <= 11; order++) say(`busy: ${(await busy.call('get_order', { order })).text}`);
say(sallyport('limits', 'show', '--caller', 'agent:busy'));

await using stuck = await open('stuck');
for (let times = 1; times <= 6; times++) say(`stuck: ${(await stuck.call('get_order', { order: 7 })).text}`);
say(`stuck: ${(await stuck.call('cancel_order', { order: 7 })).text}`);
