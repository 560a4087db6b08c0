/** A small project register as an MCP server over stdio: it knows budgets and addresses that not everybody may see. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const project = {
  name: 'falcon',
  budget: 77_123,
  contact: 'ada.lovelace@analytical-engines.co.uk',
  tasks: [{ id: 1, title: 'Build it', internal_notes: 'costs twice as much' }],
};

function makeServer() {
  const server = new McpServer({ name: 'projects', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.registerTool(
    'get_project',
    {
      description: 'The project with its tasks',
      inputSchema: z.object({}),
      outputSchema: z.object({
        name: z.string(),
        budget: z.number(),
        contact: z.string(),
        tasks: z.array(z.unknown()),
      }),
    },
    () => ({ content: [{ type: 'text', text: JSON.stringify(project) }], structuredContent: project }),
  );
  server.registerTool(
    'invite',
    {
      description: 'Invites a person by e-mail',
      inputSchema: z.object({ address: z.string() }),
    },
    ({ address }) => ({
      content: [
        { type: 'text', text: address === project.contact ? 'the contact is invited' : `no such address: ${address}` },
      ],
    }),
  );
  return server;
}

serveStdio(makeServer);
