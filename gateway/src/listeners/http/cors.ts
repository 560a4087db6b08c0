/** What browsers of allowed origins need (Fetch, CORS protocol). */
import type { IncomingMessage, ServerResponse } from 'node:http';

export function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'mcp-session-id, www-authenticate');
  response.setHeader('vary', 'origin');
}

const allowedHeaders =
  'authorization, content-type, accept, dpop, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, last-event-id';

export function preflight(request: IncomingMessage, response: ServerResponse): undefined {
  // Which headers mirror arguments depends on the tool (2026-07-28, mirrored headers), so these are allowed as asked for.
  const asked = request.headers['access-control-request-headers'];
  const mirrors = (asked ?? '')
    .slice(0, 4_096)
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name));
  response.writeHead(204, {
    'access-control-allow-methods': 'POST, GET, DELETE',
    'access-control-allow-headers': [allowedHeaders, ...mirrors].join(', '),
    'access-control-max-age': '600',
  });
  response.end();
}
