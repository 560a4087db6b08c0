/** A client of SDK 2.x in a fixed era that answers what servers ask, and notes it. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { patienceMs } from '../process.ts';

const modes = { legacy: 'legacy', modern: { pin: '2026-07-28' } } as const;

export interface AskingClient extends AsyncDisposable {
  readonly client: Client;
  /** Methods of what servers have asked. */
  readonly asked: readonly string[];
  /** Calls a tool and returns the text of its result. */
  readonly call: (name: string, args?: Record<string, unknown>) => Promise<string>;
}

export async function openAskingClient(url: string, era: keyof typeof modes): Promise<AskingClient> {
  const capabilities = { elicitation: {}, sampling: {}, roots: {} };
  const client = new Client(
    { name: 'asked', version: '1' },
    { capabilities, versionNegotiation: { mode: modes[era] } },
  );
  const asked: string[] = [];
  const noted =
    <T>(method: string, answer: T) =>
    () => {
      asked.push(method);
      return answer;
    };
  client.setRequestHandler(
    'elicitation/create',
    noted('elicitation/create', { action: 'accept' as const, content: { name: 'Ada' } }),
  );
  const content = { type: 'text' as const, text: 'sampled' };
  client.setRequestHandler(
    'sampling/createMessage',
    noted('sampling/createMessage', { role: 'assistant' as const, content, model: 'none' }),
  );
  client.setRequestHandler('roots/list', noted('roots/list', { roots: [{ uri: 'file:///here' }] }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)), { timeout: patienceMs });
  return {
    client,
    asked,
    call: async (name, args = {}) => {
      const result = await client.callTool({ name, arguments: args }, { timeout: patienceMs });
      return (result.content as { text?: string }[]).map(({ text }) => text ?? '').join('');
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
