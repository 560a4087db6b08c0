/** The example as one command: a client before a server changes its tools, after it, and after an approval. */
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openSession, type Session } from '../../e2e/clients.ts';
import { startAnnounced } from '../../e2e/process.ts';

const gateway = join(import.meta.dirname, '..', '..', 'gateway', 'bin', 'sallyport.js');
const config = join(import.meta.dirname, 'sallyport.yaml');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

function sallyport(...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [gateway, ...args, '--config', config], { encoding: 'utf8' });
  return `$ sallyport ${args.join(' ')}\n${stdout}${stderr}`.trimEnd();
}

/** Lists again until it is so: a decision is followed within a second. */
async function toolsUntil(session: Session, holds: (tools: readonly string[]) => boolean): Promise<string> {
  for (let round = 0; round < 100; round++) {
    const tools = await session.tools();
    if (holds(tools)) return tools.toSorted().join(', ');
    await pause(100);
  }
  throw new Error('it never came to that');
}

// What an earlier run approved would be approved.
rmSync(join(import.meta.dirname, 'data'), { recursive: true, force: true });
const key = execFileSync(
  process.execPath,
  [gateway, 'key', 'create', '--agent', 'agent', '--quiet', '--config', config],
  { encoding: 'utf8' },
).trim();
await using running = await startAnnounced(
  { command: [process.execPath, gateway, 'serve', '--config', config, '--json'] },
  (line) => (line as { mcp?: string }).mcp,
);
await using session = await openSession('sdk2-legacy', {
  url: `${running.said}/servers/notes/mcp`,
  headers: { authorization: `Bearer ${key}` },
});
say(`at first contact: ${(await session.tools()).toSorted().join(', ')}`);
await session.call('update', {});
say(`after the update: ${await toolsUntil(session, (tools) => tools.length === 1)}`);
const refused = await session.call('read_note', { name: 'x' }).catch((error: unknown) => ({ text: String(error) }));
say(`and a call from an old list: ${refused.text}`);
say(sallyport('pins', 'diff'));
say(sallyport('pins', 'approve', 'notes/read_note', '--reason', 'looked at it', '--by', 'dana'));
say(`after the approval: ${await toolsUntil(session, (tools) => tools.length === 2)}`);
say(sallyport('pins', 'history', 'notes/read_note'));
