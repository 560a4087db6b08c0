/** A legacy stdio server whose answer to `tools/call` breaks after some bytes: `node half-line.ts <manner> <bytes>`. */
import { createInterface } from 'node:readline';

const [manner, bytes] = process.argv.slice(2);
const results: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'half', version: '1' },
  },
  'tools/list': { tools: [{ name: 'tool', inputSchema: { type: 'object', properties: {} } }] },
  'tools/call': { content: [{ type: 'text', text: 'said' }] },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line) as { id?: number; method: string };
  if (id === undefined) return;
  const result = results[method];
  const answer = `${JSON.stringify({ jsonrpc: '2.0', id, ...(result === undefined ? { error: { code: -32601, message: 'no' } } : { result }) })}\n`;
  if (method !== 'tools/call') return void process.stdout.write(answer);
  const at = Number(bytes);
  process.stdout.write(answer.slice(0, at), () => {
    if (manner === 'cut') process.exit(0);
    if (manner === 'drip') drip(answer.slice(at));
  });
});

function drip(rest: string): void {
  process.stdout.write(rest.slice(0, 1));
  if (rest.length > 1) setTimeout(() => drip(rest.slice(1)), 20);
}
