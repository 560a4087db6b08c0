/** A running gateway before a server that defines whatever a test has it define, for tests of pins. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { type clientKinds, openSession, type Session } from './clients.ts';
import { type Gateway, type Settings, startGateway } from './harness.ts';

const server = join(import.meta.dirname, 'fixtures', 'changing', 'stdio.ts');

export interface Tool {
  readonly [name: string]: unknown;
  readonly name: string;
}

export const path = { type: 'string', description: 'Which file' };
export const poke: Tool = { name: 'poke', description: 'Does nothing', inputSchema: { type: 'object' } };
export const readTool: Tool = {
  name: 'read_note',
  description: 'Reads a note',
  inputSchema: { type: 'object', properties: { path }, required: ['path'] },
};

export interface World extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly key: string;
  /** What the server defines from now on; the gateway hears of it with the next call. */
  define(tools: readonly Tool[], more?: object): Promise<void>;
  pins(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** `ofServer`: more about the server. `others`: servers beside it, with what they define. */
export async function startWorld(
  settings: Settings = {},
  ofServer: object = {},
  others: Readonly<Record<string, readonly Tool[]>> = {},
): Promise<World> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-pins-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'defined.json');
  const define = (tools: readonly Tool[], more: object = {}) => writeFile(file, JSON.stringify({ tools, ...more }));
  await define([poke, readTool]);
  const beside: Record<string, object> = {};
  for (const [name, tools] of Object.entries(others)) {
    const its = join(folder, `${name}.json`);
    await writeFile(its, JSON.stringify({ tools }));
    beside[name] = { command: [process.execPath, server, its] };
  }
  const gateway = resources.use(
    await startGateway({
      pins: { mode: 'first-use' },
      callers: { agents: { agent: {} } },
      servers: { notes: { command: [process.execPath, server, file], ...ofServer }, ...beside },
      connections: [
        {
          name: 'notes',
          from: { anyone: true },
          to: ['notes', ...Object.keys(others)],
          tools: [{ allow: '*' }],
          prompts: [{ allow: '*' }],
        },
      ],
      ...settings,
    }),
  );
  const kept = resources.move();
  return {
    gateway,
    key: gateway.key('agent'),
    define,
    pins: (command, ...args) => runCommandHere('pins', command ?? '', '--config', gateway.config, ...args),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

export function open({ gateway, key }: World, kind: (typeof clientKinds)[number] = 'sdk2-auto'): Promise<Session> {
  return openSession(kind, { url: gateway.endpoint('notes'), headers: { Authorization: `Bearer ${key}` } });
}

/** A tool that is not there: some clients throw, some answer. */
export async function isThere(session: Session, name: string): Promise<boolean> {
  const outcome = await session.call(name, { path: 'x' }).catch(() => undefined);
  return outcome?.isError === false;
}

/** Until a condition of another process holds, which tells nothing when it does. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, 'it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
