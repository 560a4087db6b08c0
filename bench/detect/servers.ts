/** What real servers of npm say: their definitions, and results of ordinary calls. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '..', '..');
const timeoutMs = 20_000;

export interface Answer {
  /** The server and what it was asked. */
  readonly name: string;
  readonly kind: 'definition' | 'result';
  readonly text: string;
}

interface Call {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** @param files paths below `node_modules`, which the file server reads */
export async function answersOfServers(files: readonly string[]): Promise<readonly Answer[]> {
  const folder = realpathSync(join(root, 'node_modules'));
  const all = await Promise.all([
    answersOf(
      'server-filesystem',
      [folder],
      [
        ...files.map((path) => ({ name: 'read_text_file', arguments: { path: join(folder, path), head: 120 } })),
        ...['zod', 'hono', 'express', 'ajv', 'yaml'].map((name) => ({
          name: 'list_directory_with_sizes',
          arguments: { path: join(folder, name) },
        })),
      ],
    ),
    answersOf(
      'server-memory',
      [],
      [
        { name: 'create_entities', arguments: { entities: [] } },
        { name: 'read_graph', arguments: {} },
        { name: 'search_nodes', arguments: { query: 'importer' } },
      ],
    ),
    answersOf(
      'server-everything',
      ['stdio'],
      [
        { name: 'echo', arguments: { message: 'The importer is done.' } },
        { name: 'get-sum', arguments: { a: 2, b: 3 } },
        { name: 'get-tiny-image', arguments: {} },
        { name: 'get-annotated-message', arguments: { messageType: 'success', includeImage: false } },
        { name: 'get-structured-content', arguments: { location: 'Chicago' } },
        { name: 'get-resource-links', arguments: { count: 3 } },
      ],
    ),
  ]);
  return all.flat();
}

async function answersOf(server: string, args: readonly string[], calls: readonly Call[]): Promise<readonly Answer[]> {
  const script = join(root, 'node_modules', '@modelcontextprotocol', server, 'dist', 'index.js');
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  const timer = setTimeout(() => child.kill(), timeoutMs);
  const answers: Answer[] = [];
  const waiting = new Map<number, { readonly name: string; readonly kind: Answer['kind'] }>();
  const send = (message: unknown): void =>
    void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...(message as object) })}\n`);
  const ask = (id: number, method: string, params: unknown, about: { name: string; kind: Answer['kind'] }): void => {
    waiting.set(id, about);
    send({ id, method, params });
  };
  const client = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'detect', version: '1' } };
  ask(0, 'initialize', client, { name: `${server} initialize`, kind: 'definition' });
  for await (const line of lines) {
    const { id, result } = JSON.parse(line) as { id?: number; result?: unknown };
    const about = id === undefined ? undefined : waiting.get(id);
    if (id === undefined || about === undefined) continue;
    waiting.delete(id);
    answers.push({ ...about, text: JSON.stringify(result ?? {}) });
    if (id === 0) {
      send({ method: 'notifications/initialized' });
      ask(1, 'tools/list', {}, { name: `${server} tools/list`, kind: 'definition' });
      for (const [at, call] of calls.entries())
        ask(at + 2, 'tools/call', call, { name: `${server} ${call.name} ${at}`, kind: 'result' });
    }
    if (waiting.size === 0) break;
  }
  clearTimeout(timer);
  child.kill();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return answers;
}
