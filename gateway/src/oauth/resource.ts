/**
 * Finds out whose tokens a server wants: asks it without a token, and reads the metadata that its challenge or the
 * well-known places lead to (RFC 9728; 2026-07-28, authorization, 2.3). What the server names is checked, not believed.
 */
import type { Answered, Fetch } from '../egress/fetch.ts';
import { isObject, type Json, type JsonObject, parseJsonText } from '../protocol/json.ts';
import { metaKeys } from '../protocol/meta.ts';
import { version } from '../protocol/product.ts';
import { metadataUrl, wellKnownPath } from '../protocol/protected-resource.ts';
import { modernVersion } from '../protocol/versions.ts';
import { bearerChallenge } from './challenge.ts';

export interface ResourceFacts {
  /** As the server publishes it: what tokens are asked for (RFC 8707). */
  readonly resource: string;
  readonly issuers: readonly string[];
  /** `scopes_supported`; empty when it says nothing. */
  readonly scopes: readonly string[];
  /** What its challenge asks for; empty when it says nothing. */
  readonly challenged: readonly string[];
}

export type FoundResource =
  | { readonly ok: true; readonly facts: ResourceFacts }
  /** `lasting`: the server says something wrong. Else it could not be asked. `missing`: it has no metadata. */
  | { readonly ok: false; readonly lasting: boolean; readonly missing?: boolean; readonly problem: string };

const maxIssuers = 16;
/** An issuer has no query and no fragment (RFC 8414, 2). Operators read it and hand it to commands, so it is plain. */
const issuerText = /^https?:\/\/[A-Za-z0-9._~:/%@+,=[\]-]{1,2048}$/;

/** `server` is the URL that the operator wrote, without fragment. */
export async function discoverResource(server: string, fetch: Fetch): Promise<FoundResource> {
  const challenge = await challengeOf(server, fetch);
  const named = challenge?.resourceMetadata;
  const places = named === undefined ? wellKnownPlaces(server) : [named];
  let problem = 'the server has no protected resource metadata';
  let reached = false;
  for (const place of places) {
    const answer = await fetch(place, { operator: sameOrigin(place, server) });
    if (!answer.ok) {
      // A place that must not be asked is a wrong answer of the server, not one that comes right by itself.
      if (answer.refused) return { ok: false, lasting: true, problem: answer.problem };
      problem = answer.problem;
      continue;
    }
    reached = true;
    if (answer.status !== 200) continue;
    return read(answer, server, challenge?.scopes ?? []);
  }
  return { ok: false, lasting: reached, missing: reached, problem };
}

/** What a request without a token is answered. `server/discover` does nothing, whatever the era of the server. */
async function challengeOf(server: string, fetch: Fetch) {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'server/discover',
    params: {
      _meta: {
        [metaKeys.protocolVersion]: modernVersion,
        [metaKeys.clientCapabilities]: {},
        [metaKeys.clientInfo]: { name: 'sallyport', version },
      },
    },
  });
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': modernVersion,
    'mcp-method': 'server/discover',
  };
  const answer = await fetch(server, { method: 'POST', operator: true, headers, body });
  if (!answer.ok || answer.status !== 401) return undefined;
  const header = answer.headers['www-authenticate'];
  return bearerChallenge(typeof header === 'string' ? header : header?.join(', '));
}

function wellKnownPlaces(server: string): readonly string[] {
  const { origin, pathname } = new URL(server);
  const root = `${origin}${wellKnownPath}`;
  return pathname === '/' ? [root] : [metadataUrl(server), root];
}

function read(answer: Answered & { ok: true }, server: string, challenged: readonly string[]): FoundResource {
  const wrong = (problem: string): FoundResource => ({ ok: false, lasting: true, problem });
  const parsed = parseJsonText(answer.text, { depth: 16, looseText: true });
  if (!parsed.ok || !isObject(parsed.value)) return wrong('the protected resource metadata is no JSON object');
  const document: JsonObject = parsed.value;
  const { resource } = document;
  if (typeof resource !== 'string' || !names(resource, server))
    return wrong('the protected resource metadata speaks of another resource than the server');
  const issuers = texts(document.authorization_servers).filter((issuer) => issuerText.test(issuer));
  if (issuers.length === 0) return wrong('the protected resource metadata names no authorization server');
  const scopes = texts(document.scopes_supported).filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(scope));
  return { ok: true, facts: { resource, issuers: issuers.slice(0, maxIssuers), scopes, challenged } };
}

/**
 * Is this the server, or the host that it is a part of? Many servers publish their origin. Another origin, or another
 * path on the same one, is another resource: its tokens would be worth something elsewhere.
 */
export function names(resource: string, server: string): boolean {
  if (!URL.canParse(resource)) return false;
  const [claimed, own] = [new URL(resource), new URL(server)];
  if (claimed.origin !== own.origin || claimed.hash !== '' || claimed.username !== '') return false;
  if (claimed.search !== '' && claimed.search !== own.search) return false;
  const path = claimed.pathname.replace(/\/$/, '');
  return own.pathname === path || own.pathname.startsWith(`${path}/`);
}

function sameOrigin(url: string, server: string): boolean {
  return URL.canParse(url) && new URL(url).origin === new URL(server).origin;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value)
    ? (value as readonly Json[]).filter((entry) => typeof entry === 'string').slice(0, 256)
    : [];
}
