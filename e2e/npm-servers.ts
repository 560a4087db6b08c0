/** Third-party MCP servers from npm, as entries of a configuration, and one thing that each of them can do. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageFile } from './harness.ts';
import { freePort, startListening } from './process.ts';

export interface Errand {
  readonly tool: string;
  readonly args: Record<string, unknown>;
  readonly says: RegExp;
}

export interface NpmServer {
  readonly name: string;
  readonly entry: object;
  readonly errand: Errand;
}

const everything = packageFile('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
const dbhub = packageFile('@bytebase', 'dbhub', 'dist', 'index.js');
const echo: Errand = { tool: 'echo', args: { message: 'hello' }, says: /hello/ };
const query: Errand = { tool: 'execute_sql', args: { sql: 'SELECT 6 * 7 AS answer' }, says: /42/ };

/** Starts those that run on their own, in `folder`; everything is ended with `resources`. */
export async function npmServers(folder: string, resources: AsyncDisposableStack): Promise<readonly NpmServer[]> {
  const shared = join(folder, 'shared');
  await mkdir(shared, { recursive: true });
  await writeFile(join(shared, 'note.txt'), 'a note in a file');
  const remembered = { type: 'entity', name: 'Ada', entityType: 'person', observations: ['writes programs'] };
  await writeFile(join(folder, 'memory.jsonl'), `${JSON.stringify(remembered)}\n`);
  const listen = async (args: readonly string[], path: string) => {
    const port = await freePort();
    const command = [process.execPath, ...args.map((arg) => (arg === 'PORT' ? String(port) : arg))] as const;
    const env = { PORT: String(port), HOME: folder };
    resources.use(await startListening({ command, env, cwd: folder }, port));
    return `http://127.0.0.1:${port}${path}`;
  };
  const filesystem = packageFile('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');
  const memory = packageFile('@modelcontextprotocol', 'server-memory', 'dist', 'index.js');
  return [
    { name: 'everything-stdio', entry: { command: [process.execPath, everything, 'stdio'] }, errand: echo },
    { name: 'everything-http', entry: { url: await listen([everything, 'streamableHttp'], '/mcp') }, errand: echo },
    { name: 'everything-sse', entry: { url: await listen([everything, 'sse'], '/sse') }, errand: echo },
    {
      name: 'filesystem',
      entry: { command: [process.execPath, filesystem, shared] },
      errand: { tool: 'read_text_file', args: { path: join(shared, 'note.txt') }, says: /a note in a file/ },
    },
    {
      name: 'memory',
      entry: { command: [process.execPath, memory], env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } },
      errand: {
        tool: 'read_graph',
        args: {},
        says: /writes programs/,
      },
    },
    {
      name: 'dbhub-stdio',
      entry: { command: [process.execPath, dbhub, '--transport', 'stdio', '--demo'] },
      errand: query,
    },
    {
      name: 'dbhub-http',
      entry: { url: await listen([dbhub, '--transport', 'http', '--port', 'PORT', '--demo'], '/mcp') },
      errand: query,
    },
  ];
}
