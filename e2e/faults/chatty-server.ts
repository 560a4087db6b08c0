/** A legacy stdio server that talks: `flood` prints short lines without end, `changes` announces lists, `logs` repeats arguments. */
import { createInterface } from 'node:readline';

const [manner] = process.argv.slice(2);
const say = (message: object): boolean => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const results: Readonly<Record<string, object>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: { listChanged: true }, logging: {} },
    serverInfo: { name: 'chatty', version: '1' },
  },
  'tools/list': { tools: [{ name: 'tool', inputSchema: { type: 'object', properties: { a: {} } } }] },
  'tools/call': { content: [{ type: 'text', text: 'said' }] },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as { id?: number; method: string; params?: { arguments?: object } };
  if (id === undefined) return;
  if (method === 'logging/setLevel')
    say({ method: 'notifications/message', params: { level: 'error', data: 'LEVEL' } });
  if (method === 'tools/call' && manner === 'logs')
    say({ method: 'notifications/message', params: { level: 'error', data: params?.arguments ?? {} } });
  say({ id, ...(results[method] === undefined ? { result: {} } : { result: results[method] }) });
  if (method === 'tools/call' && manner === 'flood') flood('{}\n'.repeat(20_000));
  if (method === 'tools/call' && manner === 'changes')
    for (let at = 0; at < 20_000; at++) say({ method: 'notifications/tools/list_changed' });
});

function flood(text: string): void {
  if (process.stdout.write(text)) setImmediate(() => flood(text));
  else process.stdout.once('drain', () => flood(text));
}
