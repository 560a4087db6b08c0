/** Reports as an MCP server over stdio, which cannot start while the file `broken` lies beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const broken = join(import.meta.dirname, 'broken');
if (existsSync(broken)) process.exit(1);

function makeServer() {
  const server = new McpServer({ name: 'reports', version: '1.0.0' }, { capabilities: { tools: {} } });
  const inputSchema = z.object({ month: z.number() });
  server.registerTool('get_report', { description: 'The report of a month', inputSchema }, ({ month }) => {
    if (existsSync(broken)) process.exit(1);
    return { content: [{ type: 'text', text: `report of month ${month}` }] };
  });
  return server;
}

serveStdio(makeServer);
