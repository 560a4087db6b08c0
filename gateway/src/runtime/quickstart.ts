/** What `serve --quickstart` prints, for the first two minutes on a laptop. */

import { modernVersion } from '../protocol/versions.ts';
import type { KeyAdmin } from '../stages/authenticate/api-key/open.ts';

const agent = 'demo';
const validityMs = 7 * 86_400_000;

/** Makes a key that is valid for a week, and says how to use it. */
export function quickstartText(
  { base, admin, join }: { readonly base: string; readonly admin: string; readonly join: string | undefined },
  desk: KeyAdmin,
): string {
  const key = desk.create({ agent, name: 'quickstart', expiresAt: Date.now() + validityMs }, Date.now()).text;
  const snippet = {
    mcpServers: { sallyport: { type: 'http', url: `${base}/mcp`, headers: { Authorization: `Bearer ${key}` } } },
  };
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'everything__echo',
      arguments: { message: 'hello' },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': modernVersion,
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  };
  const curl = [
    'curl -s',
    `${base}/mcp`,
    `-H 'Authorization: Bearer ${key}'`,
    "-H 'Content-Type: application/json'",
    "-H 'Accept: application/json, text/event-stream'",
    `-H 'MCP-Protocol-Version: ${modernVersion}'`,
    "-H 'Mcp-Method: tools/call'",
    "-H 'Mcp-Name: everything__echo'",
    `-d '${JSON.stringify(body)}'`,
  ].join(' ');
  return `Sallyport is running.

  MCP endpoint   ${base}/mcp  (one server alone: ${base}/servers/everything/mcp)
  Health         ${admin}/readyz  and  ${admin}/metrics
${join === undefined ? '' : `  Operators      ${join}\n                 makes you the administrator, once, within a day\n`}  API key        ${key}
                 for the agent "${agent}", valid for 7 days, shown only now

For clients that read mcpServers:

${JSON.stringify(snippet, null, 2)}

Try it:

${curl}

Ctrl-C stops it, and the servers that it started.`;
}
