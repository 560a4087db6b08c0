/**
 * The client that the suite's client scenarios start, with the URL of their server as last argument. With `--through` it
 * reaches that server through a gateway, so that the gateway is the client under test.
 * It uses everything it finds: every tool, resource and prompt, or the calls that the scenario asks for.
 */
import { Client, StreamableHTTPClientTransport, type Tool } from '@modelcontextprotocol/client';
import { openSettings, startGateway } from '../harness.ts';

interface Wanted {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[];
}

const modern = '2026-07-28';
const version = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? modern;
const wanted = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as Wanted;

function sampleOf(schema: unknown): unknown {
  const type = typeof schema === 'object' && schema !== null && 'type' in schema ? schema.type : undefined;
  if (type === 'number' || type === 'integer') return 5;
  if (type === 'boolean') return true;
  if (type === 'object') return {};
  if (type === 'array') return [];
  return 'sample';
}

function argumentsOf(tool: Tool): Record<string, unknown> {
  const properties = tool.inputSchema.properties ?? {};
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, sampleOf(schema)]));
}

async function useEverything(client: Client): Promise<void> {
  const has = client.getServerCapabilities();
  const { tools } = has?.tools === undefined ? { tools: [] } : await client.listTools();
  const calls = wanted.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: argumentsOf(tool) }));
  // A call that fails is no reason to stop: some scenarios offer tools that a client must not call.
  for (const call of calls)
    await attempt(call.name, client.callTool({ name: call.name, arguments: { ...call.arguments } }));
  if (has?.resources !== undefined)
    for (const { uri } of (await client.listResources()).resources) await attempt(uri, client.readResource({ uri }));
  if (has?.prompts !== undefined)
    for (const { name } of (await client.listPrompts()).prompts) await attempt(name, client.getPrompt({ name }));
}

async function attempt(what: string, call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => process.stderr.write(`${what}: ${String(error)}\n`));
}

async function run(url: string): Promise<void> {
  const client = new Client(
    { name: 'sallyport-conformance-client', version: '1.0.0' },
    {
      capabilities: { elicitation: { form: { applyDefaults: true } } },
      versionNegotiation: { mode: version === modern ? { pin: modern } : 'legacy' },
    },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: {} }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  await useEverything(client);
  await client.close();
}

const url = process.argv.at(-1) ?? '';
if (process.argv.includes('--through')) {
  await using gateway = await startGateway(openSettings('conformance', { everything: { url } }));
  await run(gateway.endpoint('everything'));
} else {
  await run(url);
}
