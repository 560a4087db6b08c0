/** Real MCP clients behind one small interface, so that the same journey can be made with each of them. */
import { Client as Client2, StreamableHTTPClientTransport as Http2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Http1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { patienceMs } from './process.ts';

export const clientKinds = ['sdk2-legacy', 'sdk2-auto', 'sdk2-modern', 'sdk1'] as const;
export type ClientKind = (typeof clientKinds)[number];

export type Target =
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly command: readonly [string, ...string[]] };

export interface ToolOutcome {
  readonly text: string;
  readonly structured?: unknown;
  readonly isError: boolean;
}

export interface CallOptions {
  readonly onProgress?: (progress: number) => void;
  readonly signal?: AbortSignal;
}

export interface Session extends AsyncDisposable {
  readonly tools: () => Promise<readonly string[]>;
  readonly call: (name: string, args: Record<string, unknown>, options?: CallOptions) => Promise<ToolOutcome>;
  readonly read: (uri: string) => Promise<string>;
  readonly prompt: (name: string, args: Record<string, string>) => Promise<string>;
  /** What the person answers to every form. */
  readonly answers: Readonly<Record<string, string>>;
  /** How many forms the person has seen. */
  readonly forms: () => number;
}

const answers = { name: 'Ada', username: 'ada', email: 'ada@example.org' };
const info = { name: 'sallyport-e2e', version: '1.0.0' };
const capabilities = { elicitation: {} };
const timeout = patienceMs;

export async function openSession(kind: ClientKind, target: Target): Promise<Session> {
  return kind === 'sdk1' ? openVersion1(target) : openVersion2(kind, target);
}

async function openVersion2(kind: Exclude<ClientKind, 'sdk1'>, target: Target): Promise<Session> {
  const mode = { 'sdk2-legacy': 'legacy', 'sdk2-auto': 'auto', 'sdk2-modern': { pin: '2026-07-28' } } as const;
  const client = new Client2(info, { capabilities, versionNegotiation: { mode: mode[kind] } });
  let forms = 0;
  client.setRequestHandler('elicitation/create', () => {
    forms += 1;
    return { action: 'accept', content: answers };
  });
  const transport =
    'url' in target
      ? new Http2(new URL(target.url), { requestInit: { headers: { ...target.headers } } })
      : new Stdio2({ command: target.command[0], args: target.command.slice(1), stderr: 'pipe' });
  await client.connect(transport, { timeout });
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args, options = {}) =>
      outcome(await client.callTool({ name, arguments: args }, requestOptions(options))),
    read: async (uri) => textOf((await client.readResource({ uri })).contents),
    prompt: async (name, args) =>
      textOf((await client.getPrompt({ name, arguments: args })).messages.map((message) => message.content)),
    answers,
    forms: () => forms,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function openVersion1(target: Target): Promise<Session> {
  const client = new Client1(info, { capabilities });
  let forms = 0;
  client.setRequestHandler(ElicitRequestSchema, () => {
    forms += 1;
    return { action: 'accept', content: answers };
  });
  const transport =
    'url' in target
      ? new Http1(new URL(target.url), { requestInit: { headers: { ...target.headers } } })
      : new Stdio1({ command: target.command[0], args: target.command.slice(1), stderr: 'pipe' });
  await client.connect(transport, { timeout });
  return {
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, args, options = {}) =>
      outcome(await client.callTool({ name, arguments: args }, undefined, requestOptions(options))),
    read: async (uri) => textOf((await client.readResource({ uri })).contents),
    prompt: async (name, args) =>
      textOf((await client.getPrompt({ name, arguments: args })).messages.map((message) => message.content)),
    answers,
    forms: () => forms,
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function requestOptions({ onProgress, signal }: CallOptions) {
  return {
    timeout,
    resetTimeoutOnProgress: true,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined
      ? {}
      : { onprogress: ({ progress }: { readonly progress: number }) => onProgress(progress) }),
  };
}

function outcome(result: unknown): ToolOutcome {
  const { content, structuredContent, isError } = result as Readonly<Record<string, unknown>>;
  return {
    text: textOf(Array.isArray(content) ? content : []),
    isError: isError === true,
    ...(structuredContent !== undefined && { structured: structuredContent }),
  };
}

function textOf(blocks: readonly unknown[]): string {
  return blocks
    .map((block) =>
      typeof block === 'object' && block !== null && 'text' in block && typeof block.text === 'string'
        ? block.text
        : '',
    )
    .join('\n');
}
