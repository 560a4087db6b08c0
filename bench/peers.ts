/**
 * Gateways and proxies of others, each from a small description (bench/README.md): how it is started, where it listens, how
 * it names tools, and what a client sends. The bare proxy and nginx go through the same door.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { freePort, stop } from '../e2e/process.ts';
import { pinned, subjectCore } from './places.ts';
import type { Subject } from './subjects.ts';

const folder = join(import.meta.dirname, 'peers');

/** The ones that every run has. */
export const own: readonly string[] = ['nginx.json', 'bare-proxy.json'].map((file) => join(folder, file));

const text = z.string().min(1).max(4_096);
const headers = z.record(text, z.string().max(4_096)).default({});

const description = z.strictObject({
  name: text,
  note: z.string().max(256).default(''),
  /** Program and arguments, on the core of the subject. */
  command: z.array(text).min(1).max(64),
  env: z.record(text, z.string().max(4_096)).default({}),
  /** Files that are written into its folder first, each as a list of lines. */
  files: z.record(z.string().regex(/^[\w.-]{1,64}$/), z.array(z.string().max(4_096)).max(1_024)).default({}),
  /** Where clients send calls. */
  url: text,
  headers,
  /** How it names a tool of the upstream; `{tool}` is the name there. */
  tool: text.default('{tool}'),
  /** `legacy`: it is initialized first, and calls carry its session. */
  era: z.enum(['modern', 'legacy']).default('modern'),
  /** Milliseconds until it must answer. */
  startTimeoutMs: z.int().min(100).max(300_000).default(15_000),
});

export type Peer = z.output<typeof description>;

export async function readPeer(file: string): Promise<Peer> {
  const parsed = description.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`${basename(file)}: ${z.prettifyError(parsed.error)}`);
}

/** Everything in braces that is known here; other braces are of the file itself. */
function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** `upstream`: its URL. The peer ends with what is returned. */
export async function startPeer(peer: Peer, upstream: string): Promise<Subject & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'sallyport-peer-'));
  const { origin, host, pathname } = new URL(upstream);
  const values = {
    node: process.execPath,
    bench: import.meta.dirname,
    folder: home,
    port: String(await freePort()),
    upstream: origin,
    upstreamHost: host,
    path: pathname,
  };
  for (const [name, lines] of Object.entries(peer.files))
    await writeFile(join(home, name), `${filled(lines.join('\n'), values)}\n`);
  const command = peer.command.map((word) => filled(word, values)) as [string, ...string[]];
  const [program, ...args] = pinned(subjectCore, ...command);
  const child = spawn(program, args, {
    cwd: home,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...peer.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = `${errors}${chunk.toString()}`.slice(-4_096)));
  child.once('error', (error) => (errors += error.message));
  const end = async (): Promise<void> => {
    await stop(child);
    await rm(home, { recursive: true, force: true });
  };
  const url = filled(peer.url, values);
  const deadline = Date.now() + peer.startTimeoutMs;
  while (!(await answers(url))) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await end();
      throw new Error(`${peer.name} did not start: ${errors}`);
    }
    await pause(20);
  }
  const session = peer.era === 'legacy' ? await initialize(url, peer.headers).catch(givenUp(end)) : {};
  return {
    name: peer.name,
    note: peer.note,
    pid: child.pid,
    url,
    kind: 'strict',
    headers: { ...peer.headers, ...session },
    toolName: (tool) => filled(peer.tool, { tool }),
    [Symbol.asyncDispose]: end,
  };
}

function givenUp(end: () => Promise<void>): (error: unknown) => Promise<never> {
  return async (error) => {
    await end();
    throw error;
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}

const legacyVersion = '2025-11-25';

/** The handshake of the legacy era (2025-11-25, lifecycle): the headers that calls of its session carry. */
async function initialize(
  url: string,
  more: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const fields = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...more };
  const post = (message: object, extra: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { ...fields, ...extra },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      signal: AbortSignal.timeout(10_000),
    });
  const clientInfo = { name: 'bench', version: '1.0.0' };
  const params = { protocolVersion: legacyVersion, capabilities: {}, clientInfo };
  const begun = await post({ id: 1, method: 'initialize', params });
  const answer = await begun.text();
  if (!begun.ok || !answer.includes('"result"'))
    throw new Error(`initialize is answered with ${begun.status}: ${answer.slice(0, 200)}`);
  const id = begun.headers.get('mcp-session-id');
  const session = {
    'mcp-protocol-version': legacyVersion,
    ...(id === null ? {} : { 'mcp-session-id': id }),
  };
  await (await post({ method: 'notifications/initialized' }, session)).text();
  return session;
}
