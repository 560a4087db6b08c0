/** Starts the gateway and the fixture as real processes, each in a temporary folder and on a port of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeyAdmin } from '../gateway/src/stages/authenticate/api-key/open.ts';
import { patienceMs, type Running, startAnnounced } from './process.ts';

const root = join(import.meta.dirname, '..');
const fixtureFile = join(import.meta.dirname, 'fixtures', 'everything', 'server.ts');
/** The command line of a clone, which runs the sources. */
export const sourceFile = join(root, 'gateway', 'bin', 'sallyport.js');
/** The command line that tests start: `npm test` has it built as it is published. */
export const gatewayFile = process.env['SALLYPORT_PROGRAM'] ?? sourceFile;

/** A file of an installed package. */
export function packageFile(...path: readonly string[]): string {
  return join(root, 'node_modules', ...path);
}

export type Era = 'dual' | 'legacy' | 'modern';

/** The command that runs the fixture over stdio. */
export function fixtureCommand(era: Era): readonly [string, ...string[]] {
  return [process.execPath, fixtureFile, '--stdio', '--era', era];
}

export async function startFixture(era: Era): Promise<Running & { readonly url: string }> {
  const running = await startAnnounced(
    { command: [process.execPath, fixtureFile, '--http', '--port', '0', '--era', era] },
    (line) => stringAt(line, 'url'),
  );
  return { ...running, url: running.said };
}

export interface Gateway extends Running {
  /** Base URL of the MCP listener; the endpoints are below it. */
  readonly mcp: string;
  readonly admin: string;
  /** The one-time link that makes the first administrator. */
  readonly join: string | undefined;
  readonly folder: string;
  readonly config: string;
  readonly endpoint: (server: string) => string;
  /** Waits until this holds of what the gateway has logged; fails after some seconds. */
  readonly until: (holds: () => boolean) => Promise<void>;
  /** Makes an API key beside the running gateway, as `sallyport key create` does, for an agent or for these. */
  readonly key: (caller: string | KeyNames) => string;
}

/** The caller that a key stands for. */
export type KeyNames = Readonly<Partial<Record<'user' | 'agent' | 'application', string>>>;

/** In this process: the command takes half a second of CPU to start, and most tests are about something else. */
function makeKey(data: string, names: KeyNames): string {
  const opened = openKeyAdmin(data);
  if (!opened.ok) throw new Error(opened.problem);
  const { value: keys } = opened;
  try {
    return keys.create(names, Date.now()).text;
  } finally {
    keys.store.close();
  }
}

/** What stands in a configuration besides the version, the data folder and the ports. */
export type Settings = Readonly<Record<string, unknown>>;

export interface GatewayOptions {
  /** Milliseconds until it must listen. */
  readonly within?: number;
  /** What the command begins with, such as the program that pins it to a core. */
  /** Another program than the command line in the sources. */
  readonly program?: string;
  readonly prefix?: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** A folder of the test, which it clears: what one gateway leaves there the next one finds. */
  readonly folder?: string;
}

export async function startGateway(settings: Settings, options: GatewayOptions = {}): Promise<Gateway> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'sallyport-e2e-')));
  const config = join(folder, 'sallyport.yaml');
  const data = typeof settings['data'] === 'string' ? settings['data'] : join(folder, 'data');
  // JSON is YAML, so the generated file needs no library.
  await writeFile(
    config,
    JSON.stringify({
      version: 1,
      data,
      listen: { mcp: { port: 0 }, admin: { port: 0 } },
      // Fixtures change what they define on purpose, no test waits for a person unless it says so, and servers
      // that fail are called again and again. A program of another
      // version may not know the keys.
      ...(options.program === undefined && { pins: { mode: 'off' }, approvals: { wait: '0s' }, breaker: 'off' }),
      ...settings,
    }),
  );
  const serve = [process.execPath, options.program ?? gatewayFile, 'serve', '--config', config, '--json'] as const;
  const clear = () => (options.folder === undefined ? rm(folder, { recursive: true, force: true }) : undefined);
  const running = await startAnnounced(
    {
      command: options.prefix === undefined ? serve : [...options.prefix, ...serve],
      within: options.within ?? patienceMs,
      ...(options.env === undefined ? {} : { env: options.env }),
    },
    (line) => {
      const mcp = stringAt(line, 'mcp');
      const admin = stringAt(line, 'admin');
      if (stringAt(line, 'event') !== 'listening' || mcp === undefined || admin === undefined) return undefined;
      return { mcp: mcp.replace(/\/$/, ''), admin, join: stringAt(line, 'join') };
    },
  ).catch(async (cause: unknown) => {
    await clear();
    throw cause;
  });
  const stop = async () => {
    await running.stop();
    await clear();
  };
  return {
    ...running,
    ...running.said,
    folder,
    config,
    until: (holds) => untilLogged(running, holds),
    endpoint: (server) => `${running.said.mcp}/servers/${server}/mcp`,
    key: (caller) => makeKey(data, typeof caller === 'string' ? { agent: caller } : caller),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function untilLogged({ child, errors }: Running, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (holds()) end(resolve);
    };
    const end = (how: () => void): void => {
      clearTimeout(timer);
      child.stderr?.off('data', look);
      how();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`was not logged:\n${errors()}`))), patienceMs);
    child.stderr?.on('data', look);
    look();
  });
}

/** Settings in which anyone on this machine may use everything of the servers. */
export function openSettings(agent: string, servers: Readonly<Record<string, object>>): Settings {
  return {
    authentication: { anonymous: { agent } },
    callers: { agents: { [agent]: {} } },
    servers,
    connections: [
      {
        name: 'everything for tests',
        from: { agent },
        to: Object.keys(servers),
        tools: [{ allow: '*' }],
        resources: [{ allow: '*' }],
        prompts: [{ allow: '*' }],
        requests: { elicitation: 'allow', sampling: 'allow', roots: 'allow' },
      },
    ],
  };
}

function stringAt(line: unknown, key: string): string | undefined {
  if (typeof line !== 'object' || line === null) return undefined;
  const value = (line as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' ? value : undefined;
}
