/** A running gateway before a server that defines whatever a test has it define, for tests of pins. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandHere } from '../gateway/test/support/command.ts';
import { type clientKinds, openSession, type Session } from './clients.ts';
import { type Gateway, type Settings, startGateway } from './harness.ts';
import { patienceMs } from './process.ts';

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

export interface World {
  readonly gateway: Gateway;
  /** What the gateway calls the server. */
  readonly server: string;
  readonly key: string;
  /** What the server defines from now on; the gateway hears of it with the next call. */
  define(tools: readonly Tool[], more?: object): Promise<void>;
  pins(
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

/** A server that defines what its file says. */
interface Defining {
  readonly command: readonly string[];
  readonly define: World['define'];
}

async function defining(file: string, first: readonly Tool[]): Promise<Defining> {
  const define: World['define'] = (tools, more = {}) => writeFile(file, JSON.stringify({ tools, ...more }));
  await define(first);
  return { command: [process.execPath, server, file], define };
}

interface WorldOptions {
  /** More about its server. */
  readonly ofServer?: object;
  /** Servers beside it, with what they define. */
  readonly others?: Readonly<Record<string, readonly Tool[]>>;
  /** More about its connection. */
  readonly from?: object;
}

/** Worlds behind one gateway, by the names of their servers and of the agents that see no more than these. */
export async function startWorlds<Name extends string>(
  worlds: Readonly<Record<Name, WorldOptions>>,
  settings: Settings = {},
): Promise<Readonly<Record<Name, World>> & AsyncDisposable> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-pins-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const servers: Record<string, object> = {};
  const connections: object[] = [];
  const defines = new Map<string, World['define']>();
  for (const [name, { ofServer, others = {}, from }] of Object.entries<WorldOptions>(worlds)) {
    const { command, define } = await defining(join(folder, `defined-${name}.json`), [poke, readTool]);
    defines.set(name, define);
    servers[name] = { command, ...ofServer };
    for (const [other, tools] of Object.entries(others))
      servers[other] = { command: (await defining(join(folder, `${other}.json`), tools)).command };
    connections.push({
      name,
      from: from ?? { agent: name },
      to: [name, ...Object.keys(others)],
      tools: [{ allow: '*' }],
      prompts: [{ allow: '*' }],
    });
  }
  const agents = Object.fromEntries(['agent', ...Object.keys(worlds)].map((name) => [name, {}]));
  const gateway = resources.use(
    await startGateway({ pins: { mode: 'first-use' }, callers: { agents }, servers, connections, ...settings }),
  );
  const made = [...defines].map(([name, define]) => [
    name,
    {
      gateway,
      server: name,
      key: gateway.key(name),
      define,
      pins: (command = '', ...args: readonly string[]) =>
        runCommandHere('pins', command, '--config', gateway.config, ...args),
    },
  ]);
  const kept = resources.move();
  return {
    ...(Object.fromEntries(made) as Readonly<Record<Name, World>>),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** `ofServer`: more about the server `notes`. `others`: servers beside it, with what they define. */
export async function startWorld(
  settings: Settings = {},
  ofServer: object = {},
  others: Readonly<Record<string, readonly Tool[]>> = {},
): Promise<World & AsyncDisposable> {
  const worlds = await startWorlds({ notes: { ofServer, others, from: { anyone: true } } }, settings);
  const key = worlds.notes.gateway.key('agent');
  return { ...worlds.notes, key, [Symbol.asyncDispose]: () => worlds[Symbol.asyncDispose]() };
}

export function open(
  { gateway, server, key }: World,
  kind: (typeof clientKinds)[number] = 'sdk2-auto',
): Promise<Session> {
  return openSession(kind, { url: gateway.endpoint(server), headers: { Authorization: `Bearer ${key}` } });
}

/** A tool that is not there: some clients throw, some answer. */
export async function isThere(session: Session, name: string): Promise<boolean> {
  const outcome = await session.call(name, { path: 'x' }).catch(() => undefined);
  return outcome?.isError === false;
}

/** Until a condition of another process holds, which tells nothing when it does. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    assert.ok(Date.now() < end, 'it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
