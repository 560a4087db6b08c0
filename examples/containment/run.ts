/** The example as one command: the gateway, an agent that calls too often, one that goes round in circles, a server that dies. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSession, type Session } from '../../e2e/clients.ts';
import { startAnnounced } from '../../e2e/process.ts';

const gateway = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function sallyport(...args: readonly string[]): string {
  return execFileSync(process.execPath, [gateway, ...args, '--config', config], { encoding: 'utf8' }).trim();
}

// Each run begins anew: the limits of the day are those of this one.
rmSync(join(import.meta.dirname, 'data'), { recursive: true, force: true });

await using running = await startAnnounced(
  { command: [process.execPath, gateway, 'serve', '--config', config, '--json'] },
  (line) => (line as { mcp?: string }).mcp,
);

function open(agent: string, server = 'orders'): Promise<Session> {
  const authorization = `Bearer ${sallyport('key', 'create', '--agent', agent, '--quiet')}`;
  return openSession('sdk2-modern', { url: `${running.said}/servers/${server}/mcp`, headers: { authorization } });
}

await using busy = await open('busy');
for (let order = 1; order <= 11; order++) say(`busy: ${(await busy.call('get_order', { order })).text}`);
say(sallyport('limits', 'show', '--caller', 'agent:busy'));

await using stuck = await open('stuck');
for (let times = 1; times <= 6; times++) say(`stuck: ${(await stuck.call('get_order', { order: 7 })).text}`);
say(`stuck: ${(await stuck.call('cancel_order', { order: 7 })).text}`);

// A server dies, its breaker opens, the other server goes on, and it comes back.
const broken = join(import.meta.dirname, 'broken');
const refused = 'failed again and again';
await using reader = await open('reader', 'reports');
await using orders = await open('reader');
const report = async (): Promise<string> => (await reader.call('get_report', { month: 7 })).text;
/** Calls until the answer is of this kind, and says that one. */
async function until(holds: (text: string) => boolean): Promise<void> {
  for (let calls = 0; calls < 10_000; calls++) {
    const text = await report();
    if (holds(text)) return say(`reader: ${text}`);
  }
  throw new Error('the answer did not come');
}
say(`reader: ${await report()}`);
try {
  writeFileSync(broken, '');
  await until((text) => !text.includes(refused));
  await until((text) => text.includes(refused));
  say(`reader, of orders: ${(await orders.call('get_order', { order: 8 })).text}`);
} finally {
  rmSync(broken, { force: true });
}
await until((text) => text.startsWith('report'));
