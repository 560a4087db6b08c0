/** Everything that one client sees of one server: what it says of itself, its lists, results, errors, questions. */
import {
  Client,
  type JSONRPCMessage,
  type JSONRPCNotification,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { Era } from '../fixtures/other/core.ts';

export type Target =
  | { readonly url: string; readonly isSse?: boolean }
  | { readonly command: readonly [string, ...string[]]; readonly env?: Readonly<Record<string, string>> };

export interface Step {
  readonly tool: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** What one request led to, in the order in which it came. */
export interface Happening {
  readonly request: string;
  readonly result?: unknown;
  readonly error?: { readonly code: unknown; readonly message: string };
  /** What the server asked for on the way, and what it told. */
  readonly asked: readonly unknown[];
  readonly told: readonly unknown[];
}

export interface Recording {
  readonly server: Readonly<Record<string, unknown>>;
  readonly happenings: readonly Happening[];
}

const modes = { legacy: 'legacy', modern: { pin: '2026-07-28' } } as const;
const timeout = 20_000;
/** Resources, templates and prompts of one list that are read. */
const most = 4;

export async function record(target: Target, era: Era, steps: readonly Step[]): Promise<Recording> {
  const capabilities = { elicitation: {}, sampling: {}, roots: {} };
  const client = new Client(
    { name: 'direct', version: '1' },
    { capabilities, versionNegotiation: { mode: modes[era] } },
  );
  let asked: unknown[] = [];
  let told: unknown[] = [];
  const answering =
    <T>(method: string, answer: T) =>
    (request: { readonly params?: unknown }): T => {
      asked.push({ method, params: request.params ?? {} });
      return answer;
    };
  const accept = { action: 'accept' as const, content: { name: 'Ada', username: 'ada', email: 'ada@example.org' } };
  client.setRequestHandler('elicitation/create', answering('elicitation/create', accept));
  const sampled = { role: 'assistant' as const, content: { type: 'text' as const, text: 'sampled' }, model: 'none' };
  client.setRequestHandler('sampling/createMessage', answering('sampling/createMessage', sampled));
  client.setRequestHandler('roots/list', answering('roots/list', { roots: [{ uri: 'file:///here', name: 'here' }] }));
  const transport = transportTo(target);
  await client.connect(transport, { timeout });
  // Heard before the client of the SDK, which loses progress that arrives in one read with the result.
  const heard = transport.onmessage;
  Object.assign(transport, {
    onmessage: (message: JSONRPCMessage) => {
      if ('method' in message && !('id' in message)) told.push(...tellingOf(message));
      heard?.(message);
    },
  });
  const happenings: Happening[] = [];
  const happen = async (request: string, work: () => Promise<unknown>): Promise<unknown> => {
    asked = [];
    told = [];
    try {
      const result = await work();
      happenings.push({ request, result, asked, told });
      return result;
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      happenings.push({ request, error: { code, message }, asked, told });
      return undefined;
    }
  };
  // Without it the client asks for no progress.
  const options = { timeout, onprogress: () => {} };
  try {
    const served = client.getServerCapabilities() ?? {};
    const server = { capabilities: served, info: client.getServerVersion(), instructions: client.getInstructions() };
    if (served.tools !== undefined) await happen('tools/list', () => client.listTools());
    if (served.prompts !== undefined) {
      const listed = (await happen('prompts/list', () => client.listPrompts())) as Named | undefined;
      for (const { name, arguments: wanted = [] } of (listed?.prompts ?? []).slice(0, most)) {
        const args = Object.fromEntries(wanted.map((each) => [each.name, '1']));
        await happen(`prompts/get ${name}`, () => client.getPrompt({ name, arguments: args }));
      }
    }
    if (served.resources !== undefined) {
      const listed = (await happen('resources/list', () => client.listResources())) as Named | undefined;
      for (const { uri } of (listed?.resources ?? []).slice(0, most))
        await happen(`resources/read ${uri}`, () => client.readResource({ uri }));
      await happen('resources/templates/list', () => client.listResourceTemplates());
    }
    for (const { tool, args = {}, meta } of steps)
      await happen(`tools/call ${tool} ${JSON.stringify(args)}`, () =>
        client.callTool({ name: tool, arguments: args, ...(meta === undefined ? {} : { _meta: meta }) }, options),
      );
    return { server, happenings };
  } finally {
    await client.close();
  }
}

/** What a notification tells about a call; tokens are those of one hop. */
function tellingOf({ method, params }: JSONRPCNotification): readonly unknown[] {
  if (method === 'notifications/message') return [{ message: params }];
  if (method !== 'notifications/progress') return [];
  const { progressToken: _, ...progress } = params ?? {};
  return [{ progress }];
}

interface Named {
  readonly prompts?: readonly { readonly name: string; readonly arguments?: readonly { readonly name: string }[] }[];
  readonly resources?: readonly { readonly uri: string }[];
}

function transportTo(target: Target) {
  if ('command' in target) {
    const [command, ...args] = target.command;
    return new StdioClientTransport({ command, args, stderr: 'ignore', ...(target.env && { env: { ...target.env } }) });
  }
  const url = new URL(target.url);
  return target.isSse === true ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
}
