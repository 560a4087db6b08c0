/** A gateway before a server with these tools, and calls of them with arguments as text, so that each digit counts. */
import { meta, modernHeaders, sendRaw } from '../attacks/raw.ts';
import { startWitness, type Witness, type WitnessTool } from '../attacks/witness.ts';
import { type Gateway, openSettings, type Settings, startGateway } from '../harness.ts';

export interface ToolWorld extends AsyncDisposable {
  readonly witness: Witness;
  readonly gateway: Gateway;
  /** The text of the tool result; `undefined` where the server got the call. */
  readonly refused: (tool: string, args: string | object) => Promise<string | undefined>;
}

/** `settings`: what differs from a configuration that is open to everyone; `server`: keys of the server. */
export async function startTools(
  tools: readonly WitnessTool[],
  settings: Settings = {},
  server: object = {},
): Promise<ToolWorld> {
  const witness = await startWitness(tools);
  const gateway = await startGateway({
    ...openSettings('client', { witness: { url: witness.url, ...server } }),
    ...settings,
  });
  return {
    witness,
    gateway,
    refused: async (tool, args) => {
      const before = witness.calls().length;
      const text = typeof args === 'string' ? args : JSON.stringify(args);
      const { body, json } = await sendRaw({
        url: gateway.endpoint('witness'),
        headers: modernHeaders('tools/call', tool),
        body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${JSON.stringify(tool)},"arguments":${text},"_meta":${JSON.stringify(meta)}}}`,
      });
      if (witness.calls().length > before) return undefined;
      const [content] = (json?.result?.content ?? []) as { text?: string }[];
      return content?.text ?? body;
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await witness[Symbol.asyncDispose]();
    },
  };
}

/** A tool that takes `a`, which must fit this schema. */
export function toolOf(name: string, a: object, more: object = {}): WitnessTool {
  return { name, inputSchema: { type: 'object', properties: { a }, ...more } };
}
