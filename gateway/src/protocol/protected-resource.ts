/** What an OAuth resource server says about itself: metadata (RFC 9728) and challenges (RFC 6750, 9728). */
import type { JsonObject } from './json.ts';

/** `https://gw.example/servers/x/mcp` → `https://gw.example/.well-known/oauth-protected-resource/servers/x/mcp` (RFC 9728, 3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${wellKnownPath}${pathname === '/' ? '' : pathname}`;
}

export const wellKnownPath = '/.well-known/oauth-protected-resource';

export function resourceMetadata(
  resource: string,
  authorizationServers: readonly string[],
  scopes: readonly string[],
): JsonObject {
  return {
    resource,
    authorization_servers: authorizationServers,
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: 'Sallyport MCP gateway',
  };
}

export interface ChallengeParts {
  readonly error?: 'invalid_token' | 'insufficient_scope';
  readonly scopes: readonly string[];
  readonly metadata?: string;
}

/** A WWW-Authenticate header. Scopes and URLs are ASCII without quotes, so nothing has to be escaped. */
export function challenge({ error, scopes, metadata }: ChallengeParts): string {
  const parameters = [
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(metadata === undefined ? [] : [`resource_metadata="${metadata}"`]),
    ...(scopes.length === 0 ? [] : [`scope="${scopes.join(' ')}"`]),
  ];
  return parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`;
}
