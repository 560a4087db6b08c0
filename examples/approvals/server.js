/** Customers as an MCP server over stdio. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const customer = z.object({ id: z.number() });
const raise = z.object({ id: z.number(), limit: z.number() });
/** @param {string} text */
const answer = (text) => ({ content: [{ type: /** @type {const} */ ('text'), text }] });

function makeServer() {
  const server = new McpServer({ name: 'customers', version: '1.0.0' });
  server.registerTool('read_customer', { description: 'Reads a customer', inputSchema: customer }, ({ id }) =>
    answer(`customer ${id} is here`),
  );
  server.registerTool(
    'update_limit',
    { description: 'Updates the credit limit of a customer', inputSchema: raise },
    ({ id, limit }) => answer(`customer ${id} may owe ${limit}`),
  );
  return server;
}

serveStdio(makeServer);
