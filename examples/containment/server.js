/** Orders as an MCP server over stdio: their state never changes, which an agent may not want to believe. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

function makeServer() {
  const server = new McpServer({ name: 'orders', version: '1.0.0' }, { capabilities: { tools: {} } });
  const inputSchema = z.object({ order: z.number() });
  server.registerTool('get_order', { description: 'The state of an order', inputSchema }, ({ order }) => ({
    content: [{ type: 'text', text: `order ${order} is on its way` }],
  }));
  server.registerTool('cancel_order', { description: 'Cancels an order', inputSchema }, ({ order }) => ({
    content: [{ type: 'text', text: `order ${order} is cancelled` }],
  }));
  return server;
}

serveStdio(makeServer);
