/** Small servers over stdio, as text for `node -e`. */

/** A legacy server with one tool. `onCall` is what it does when that is called with the request `id`; it can `send`. */
export function programWith(tool: string, onCall: string): string {
  return `
const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));
const greeting = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'small', version: '1' },
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line);
  if (method === 'initialize') send({ id, result: greeting });
  else if (method === 'tools/list')
    send({ id, result: { tools: [{ name: ${JSON.stringify(tool)}, inputSchema: { type: 'object' } }] } });
  else if (method === 'tools/call') {
    ${onCall}
  } else if (id !== undefined) send({ id, error: { code: -32601, message: 'no' } });
});`;
}
